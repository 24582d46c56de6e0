"""A change of many messages' flags by another session: told in parts, as the client takes them, before the next OK."""

import re

import pytest

from mailserverd.imap import selected
from mailserverd.interfaces.mail_store import Expunge, SetFlags
from tests.imap.house import Connection, House

MESSAGES, PART = 10, 3


@pytest.fixture
def sessions(house: House, monkeypatch: pytest.MonkeyPatch) -> tuple[Connection, Connection]:
    monkeypatch.setattr(selected, "FLAGS_AT_ONCE", PART)
    for number in range(MESSAGES):
        house.put(b"a: %d\r\n" % number)
    both = house.connect(), house.connect()
    for one in both:
        assert b"b OK" in one.say(b'a LOGIN user@example.org "correct horse"\r\nb SELECT INBOX\r\n')
    return both


def told(octets: bytes) -> list[int]:
    return [int(number) for number in re.findall(rb"\* (\d+) FETCH \((?:UID \d+ )?FLAGS \([^)]*\\Seen", octets)]


def everything() -> list[int]:
    return list(range(1, MESSAGES + 1))


@pytest.mark.parametrize("command", [b"NOOP", b"UID SEARCH SEEN", b"FETCH 1 UID"])
def test_all_are_told_before_the_ok(sessions: tuple[Connection, Connection], command: bytes) -> None:
    one, two = sessions
    two.say(b"c STORE 1:* +FLAGS.SILENT (\\Seen)\r\n")
    answer = one.say(b"c %b\r\n" % command)
    assert told(answer) == everything()
    assert answer.splitlines()[-1].startswith(b"c OK")
    assert b"FETCH" not in one.say(b"d NOOP\r\n")


class Slow:
    """A client that takes what one write gave, and then nothing until it is asked again."""

    def __init__(self, client: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server, transport = client.server, client.transport
        self.client = client
        write = transport.write

        def taken(octets: bytes) -> None:
            write(octets)
            self.server.pauseProducing()

        monkeypatch.setattr(transport, "write", taken)

    def takes(self) -> bytes:
        octets = self.client.took()
        self.server.resumeProducing()
        return octets


def test_never_more_than_a_part_waits_for_a_client(
    house: House, sessions: tuple[Connection, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = sessions
    two.say(b"c STORE 1:* +FLAGS.SILENT (\\Seen)\r\n")
    slow = Slow(one, monkeypatch)
    one.server.dataReceived(b"c NOOP\r\nd NOOP\r\n")
    parts = [slow.takes() for _ in range(4)]
    assert [told(part) for part in parts] == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10]]
    assert parts[-1].endswith(b"c OK Nothing done\r\n")
    assert slow.takes() == b"d OK Nothing done\r\n"


def test_what_comes_meanwhile_waits_for_the_next_command(
    house: House, sessions: tuple[Connection, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = sessions
    two.say(b"c STORE 1:* +FLAGS.SILENT (\\Seen)\r\n")
    slow = Slow(one, monkeypatch)
    one.server.dataReceived(b"c NOOP\r\n")
    parts = [slow.takes()]
    mail = house.mail()
    box = house.loop.run(mail.mailbox_named("INBOX")).mailbox_id
    house.loop.run(mail.commit([Expunge(box, [(5, 5)], only_deleted=False)]))
    house.loop.run(mail.commit([SetFlags(box, [(1, 10)], "add", ("\\Flagged",))]))
    while b"c OK" not in parts[-1]:
        parts.append(slow.takes())
        assert len(parts) < 9
    assert b"EXPUNGE" not in b"".join(parts)
    assert {1, 2, 3, 4, 6, 7, 8, 9, 10} <= set(told(b"".join(parts)))
    monkeypatch.undo()
    one.server.resumeProducing()
    rest = one.say(b"d NOOP\r\n")
    assert rest.startswith(b"* 5 EXPUNGE\r\n")
    assert rest.endswith(b"d OK Nothing done\r\n")
    flagged = one.say(b"e FETCH 1:* FLAGS\r\n")
    assert flagged.count(b"\\Flagged") == flagged.count(b"* ") == 9


def test_idle_is_told_in_parts(
    house: House, sessions: tuple[Connection, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = sessions
    assert one.say(b"c IDLE\r\n") == b"+ idling\r\n"
    written: list[bytes] = []
    write = one.transport.write

    def noted(octets: bytes) -> None:
        written.append(octets)
        write(octets)

    monkeypatch.setattr(one.transport, "write", noted)
    two.say(b"c STORE 1:* +FLAGS.SILENT (\\Seen)\r\n")
    for _ in range(5):
        house.clock.advance(0.01)
    assert [told(part) for part in written] == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10]]
    assert one.say(b"DONE\r\n").endswith(b"c OK Idle ended\r\n")


def test_idle_that_begins_late(house: House, sessions: tuple[Connection, Connection]) -> None:
    one, two = sessions
    two.say(b"c STORE 1:* +FLAGS.SILENT (\\Seen)\r\n")
    answer = one.say(b"c IDLE\r\n")
    for _ in range(5):
        house.clock.advance(0.01)
    assert told(answer + one.took()) == everything()
    two.say(b"d STORE 1:* -FLAGS.SILENT (\\Seen)\r\ne STORE 1:* +FLAGS.SILENT (\\Seen)\r\n")
    assert set(told(one.say(b"DONE\r\n"))) <= set(everything())
    assert one.say(b"f NOOP\r\n").endswith(b"f OK Nothing done\r\n")


def test_the_client_goes_meanwhile(
    house: House, sessions: tuple[Connection, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = sessions
    two.say(b"c STORE 1:* +FLAGS.SILENT (\\Seen)\r\n")
    slow = Slow(one, monkeypatch)
    one.server.dataReceived(b"c NOOP\r\n")
    slow.client.drop()
    assert two.say(b"d NOOP\r\n").endswith(b"d OK Nothing done\r\n")
