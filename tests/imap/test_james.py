"""James's IMAP conversations, judged by meaning (see mpt). They are James's taste, not the law: each that we answer
otherwise stands below with the reason, and the list is exact.
"""

import csv
import re
from pathlib import Path

import pytest

from tests.imap.house import House
from tests.imap.mpt import is_same_line, opened, play
from tests.wire.mime.vectors import DATA

FOLDER = DATA / "james-mpt" / "imap"
_SHARED = "ACL and mailboxes shared by others are not ours"
DIFFERENT: dict[str, tuple[str, str]] = {
    "AuthenticatePlain/AuthenticatePlain": (
        "0001 0002 0003 0004 0004 0005 0006 0007 0008",
        "the mechanism in quotes: RFC 9051 §9 has an atom",
    ),
    "AuthenticatedState/Capability": ("defg", "SAVEDATE, METADATA and more are not ours"),
    "AuthenticatedState/Id": ("a0 a1 a1 a1", "we have a name; commas between the words and an atom as value are BAD"),
    "AuthenticatedState/ListNamespace": ("e2 e3", "there is no #private"),
    "AuthenticatedState/ValidNonAuthenticated": ("a001 abcd", "BAD in the wrong state: RFC 9051 §3"),
    "ConcurrentSessions/ConcurrentExistsResponse": (
        "3b 4b",
        "STORE by a number that the session was never told of: RFC 9051 §9 has BAD",
    ),
    "Condstore/CondstoreDisable": ("A0 A1", "CONDSTORE is ours always"),
    "Fetch/FetchInternalDate": ("F11", "the zone that APPEND gave is kept, it is not the server's"),
    "FetchBodyStructure/FetchMultipartBodyStructure": (
        "A6 A27",
        '"()" is no list of items; Content-Location with comments in it is told as it stands',
    ),
    "FetchBodyStructure/FetchSimpleBodyStructure": ("A7", '"()" is no list of items: RFC 9051 §9 has one at least'),
    "FetchBodyStructure/FetchStructureComplex": ("A10", '"()" is no list of items'),
    "IMAPSharingAccessTest/SharingAccessLR": ("a0 a1 a2 a4 a4 a5 a7 a3 F11 F12 F13 F14 F14 F11 F15", _SHARED),
    "IMAPSharingAccessTest/SharingAccessLRI": ("a0 a1 a2 a4 a4 a5 a7 a3 F11 F12 F13 F14 F11 F15", _SHARED),
    "IMAPSharingAccessTest/SharingAccessLRS": ("a0 a1 a2 a4 a4 a5 a7 a3 F11 F12 F13 F14 F11 F15", _SHARED),
    "IMAPSharingAccessTest/SharingAccessLRTE": ("a0 a1 a2 a4 a4 a5 a7 a3 F11 F12 F13 F14 F11 F15", _SHARED),
    "IMAPSharingAccessTest/SharingAccessLRX": ("a0 a1 a2 a4 a4 a5 a7 a3 F11 F12 F13 F14 F14 F11 F15", _SHARED),
    "Listing/XList": ("10 10 10 10 10", "XLIST is not ours, and this account has no special mailboxes"),
    "MailboxAnnotation/MetadataWithBinaryData": ("a0 Content-Type: a2", "METADATA is not ours"),
    "MailboxWithLongNameError/CreateErrorWithLongName": ("A1 A4", "a name of 200 octets is not too long"),
    "Move/MoveNoMSG": ("a4", "a UID that is not there is no error: RFC 9051 §6.4.9"),
    "NonAuthenticatedState/Capability": ("defg", "SAVEDATE, METADATA and more are not ours"),
    "Rename/RenameHierarchy": ("A18", "RENAME makes what is above the new name, so it can be deleted: RFC 9051 §6.3.6"),
    "Search/SearchOptionSave": ("c c", "SEARCHRES is not ours"),
    "Security/JustTag": ("A88345", "BAD is enough; BYE only after many in a row"),
    "Security/NoCommand": ("A88345", "BAD is enough"),
    "Security/SharedMailbox": ("a005 a006 a006", "#any is a name like another"),
    "SelectedInbox/Capability": ("defg", "SAVEDATE, METADATA and more are not ours"),
    "SelectedInbox/ListNamespace": ("e2 e3", "there is no #private"),
    "SelectedInbox/ValidNonAuthenticated": ("a001 abcd", "BAD in the wrong state: RFC 9051 §3"),
    "SelectedState/Replace": ("defg f1 ghij f2 klmn f3 s1 f3", "REPLACE is not ours"),
}
"""Conversation -> the tags of the commands that are answered otherwise, and why."""


def rows() -> list[dict[str, str]]:
    if not FOLDER.exists():
        return []
    with (FOLDER / "SETUP.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def name(row: dict[str, str]) -> str:
    return f"{row['suite']}/{row['script'].rpartition('/')[2]}"


def script(path: str) -> str:
    return (FOLDER / f"{path}.test").read_text(encoding="utf-8")


_COMMAND = re.compile(
    r"(?m)^C: \S+ (?:UID )?(?:LIST|LSUB|CREATE|RENAME|DELETE|SELECT|SUBSCRIBE|UNSUBSCRIBE|STORE|SEARCH) .*$"
)
_LISTED = re.compile(r"(?m)^S: \\\* (?:LIST|LSUB) .*$")
_DOT = re.compile(r"(?<=[a-z0-9*%])\.(?=[a-z*%])(?!org)|(?<=[a-z0-9])\.$")


def in_our_words(text: str) -> str:
    """Levels of mailbox names parted by "/", theirs by "."; NIL for a part that is not there, theirs is empty."""
    text = _COMMAND.sub(lambda found: _DOT.sub("/", found[0]), text)
    text = text.replace("\\] \\{0\\}\nS: \\)", "\\] NIL\\)")
    return _LISTED.sub(lambda found: found[0].replace(r"\.", "/"), text)


def converse(row: dict[str, str], house: House) -> list[str]:
    steps = row["preamble"].split("+")
    client = house.connect()
    if "welcome" in steps:
        assert client.took().startswith(b"* OK ")
    if "authenticate" in steps:
        opened(client, enter=True)
    if "prepareMailbox" in steps:
        play(script("SelectedStateSetup"), house.connect, client, enter=True)
    if "selectInbox" in steps:
        assert b"b OK" in client.say(b"b SELECT INBOX\r\n")
    return play(in_our_words(script(row["script"])), house.connect, client, enter="authenticate" in steps)


@pytest.mark.skipif(not FOLDER.exists(), reason=f"{FOLDER} is not there")
@pytest.mark.parametrize("row", [row for row in rows() if not row["extra"]], ids=name)
def test_conversation(row: dict[str, str], tmp_path: Path) -> None:
    house = House(tmp_path, accounts=["imapuser@domain.tld"], password="password", mailboxes={})
    different = converse(row, house)
    house.close()
    tags, _ = DIFFERENT.get(name(row), ("", ""))
    assert " ".join(each.split()[0] for each in different) == tags, different


def test_what_is_not_played_needs_rights_for_others() -> None:
    assert all("Rights" in row["extra"] for row in rows() if row["extra"])


@pytest.mark.parametrize(
    ("expected", "answer", "same"),
    [
        (r"\* 1 FETCH \(FLAGS \(\\Recent \\Seen\)\)", b"* 1 FETCH (FLAGS (\\Seen))", True),
        (r"\* 1 FETCH \(FLAGS \(\\Recent \\Seen\)\)", b"* 1 FETCH (FLAGS (\\Seen \\Draft))", False),
        (r"\* 1 FETCH \(FLAGS \(\\Seen\) UID 2\)", b"* 1 FETCH (UID 2 FLAGS (\\Seen))", True),
        (r"\* 1 FETCH \(FLAGS \(\\Seen\) UID 2\)", b"* 1 FETCH (UID 3 FLAGS (\\Seen))", False),
        (r"\* 1 FETCH \(FLAGS \(\\Seen\) UID 2\)", b"* 1 FETCH (FLAGS (\\Seen))", False),
        (r"\* 2 FETCH \(FLAGS \(\)\)", b"* 1 FETCH (FLAGS ())", False),
        (r"\* LIST \(\\HasNoChildren\) \"/\" \"a\"", b'* LIST (\\HasNoChildren) "/" a', True),
        (r"\* LIST \(\\HasNoChildren\) \"/\" \"a\"", b'* LIST (\\HasChildren) "/" a', False),
        (r"\* SEARCH 1 2", b"* SEARCH 1 2", True),
        (r"\* SEARCH 1 2", b"* SEARCH 1", False),
        (r"a NO \[TRYCREATE\] COPY failed", b"a NO [TRYCREATE] No such mailbox", True),
        (r"a NO \[TRYCREATE\] COPY failed", b"a NO No such mailbox", False),
        (r"a OK (\[.+\] )?APPEND completed.", b"a OK Appended", True),
        (r"a OK done", b"a BAD done", False),
        (r"a OK done", b"b OK done", False),
    ],
)
def test_meaning(expected: str, answer: bytes, same: bool) -> None:
    assert is_same_line(expected, answer) is same
