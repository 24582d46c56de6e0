"""SEARCH over 6,229 real messages, against a reference server (Dovecot 2.3.19). Where they differ the RFC decides."""

import lzma
import re

import pytest

from tests.imap.house import Connection, House
from tests.wire.mime.vectors import MBOXES, data, mbox

EPOCH = 1_600_000_000
SEARCHES = 19

# These subjects hold "temperature", in ks_c_5601-1987, a charset that the reference does not know.
THEIR_CHARSET = {("openbmc-list-subset", b"NOT SUBJECT re"): {2836, 2837}}
# RFC 5256 §2.2: a message whose Date cannot be read was sent at its internal date (2020 here). The reference takes it
# for sent in 1970, and counts among the unreadable "Sat Sep 21 08:18:08 2002", which asctime writes.
OURS_ALONE = {("spamassassin-spam-1-spam", b"SENTSINCE 1-Jun-2020"): {302, 304}}
THEIRS_ALONE = THEIR_CHARSET | {("spamassassin-spam-1-spam", b"SENTBEFORE 1-Sep-2002"): {302, 304, 406}}


def answers(name: str) -> dict[bytes, set[int]]:
    text = lzma.decompress(data(f"corpus/oracle-dovecot-2.3.19/{name}.txt.xz").read_bytes())
    found = re.findall(rb"^C: (SEARCH .*)\nS: OK(.*)$", text, re.MULTILINE)
    return {command: set(map(int, numbers.split())) for command, numbers in found}


def asked(client: Connection, command: bytes) -> set[int]:
    answer = client.say(b"s %b\r\n" % command)
    assert b"\r\ns OK " in answer
    found = re.match(rb"\* SEARCH(.*)\r\n", answer)
    assert found is not None
    return set(map(int, found[1].split()))


@pytest.mark.parametrize("name", MBOXES)
def test_every_search(house: House, name: str) -> None:
    for number, message in enumerate(mbox(name), 1):
        house.put(message, seconds=EPOCH + 60 * number)
    client = house.connect()
    client.say(b'a LOGIN user@example.org "correct horse"\r\nb SELECT INBOX\r\n')
    expected = answers(name)
    assert len(expected) == SEARCHES
    for command, theirs in expected.items():
        ours, key = asked(client, command), (name, command.removeprefix(b"SEARCH CHARSET UTF-8 "))
        assert ours - theirs == OURS_ALONE.get(key, set()), command
        assert theirs - ours == THEIRS_ALONE.get(key, set()), command
