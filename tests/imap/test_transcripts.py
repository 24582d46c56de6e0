"""The conversations of tests/transcripts/imap, played over the real store.

First line: "# RFC ...: what it is about". Then comments, among them
    # begin: greeting | login | select     what went before: nothing, a login, or a login and SELECT INBOX
    # shows: IDLE, UIDPLUS                 which advertised capabilities the conversation is about
"C: x" sends x and CRLF, "S: x" is one line of the answer; the answers to each "C:" must be these and no others, in this
order. "C2:" and "S2:" are a second session, which begins as the first did. "..." in an answer stands for anything,
"<name>" for a word that is remembered and stands for itself afterwards. The inbox holds the messages of MESSAGES.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailserverd.imap import in_flight
from mailserverd.wire.imap.verbs import UID_VERBS, VERBS
from tests.imap.house import House

FOLDER = Path(__file__).parents[1] / "transcripts" / "imap"
FILES = sorted(FOLDER.glob("*.txt"))
MESSAGES = (
    b"From: Ann <ann@example.org>\r\nTo: user@example.org\r\nSubject: one\r\nMessage-ID: <1@example.org>\r\n"
    b"Date: Mon, 1 Jan 2024 10:00:00 +0000\r\n\r\nfirst body\r\n",
    b"From: ben@example.net\r\nTo: user@example.org\r\nSubject: two\r\nMessage-ID: <2@example.net>\r\n"
    b"In-Reply-To: <1@example.org>\r\nDate: Tue, 2 Jan 2024 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nsecond body\r\n--b\r\n'
    b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b--\r\n",
    b"From: cas@example.com\r\nSubject: =?utf-8?q?dr=C3=A9i?=\r\nDate: Wed, 3 Jan 2024 10:00:00 +0100\r\n\r\nthird\r\n",
)
FLAGS = (("\\Seen",), (), ("\\Flagged", "$Work"))
BEGIN = {"greeting": (), "login": (b"LOGIN user {13+}\r\ncorrect horse",)}
BEGIN["select"] = (*BEGIN["login"], b"SELECT INBOX")
_NAMES = re.compile(r"<([a-z]+)>")
_WILD = re.compile(r"<[a-z]+>|\.\.\.")
_LINE = re.compile(r"([CS])(2?):(?: (.*))?\Z")


class Play:
    """One conversation. answers: what each session has still to be asked about."""

    def __init__(self, house: House, begin: str) -> None:
        self.house = house
        self.begin = begin
        self.known: dict[str, str] = {}
        self.sessions = {"": house.connect()}
        self._open("")

    def _open(self, which: str) -> None:
        for command in BEGIN[self.begin]:
            out = self.sessions[which].say(b"a0 %b\r\n" % command)
            assert b"a0 OK " in out, out
        if self.begin != "greeting":
            self.sessions[which].took()

    def send(self, which: str, text: str) -> None:
        if which not in self.sessions:
            self.sessions[which] = self.house.connect()
            self._open(which)
        said = _NAMES.sub(lambda found: self.known.get(found[1], found[0]), text)
        self.sessions[which].server.dataReceived(said.encode() + b"\r\n")
        self.house.settle()

    def took(self) -> dict[str, list[str]]:
        return {which: session.took().decode().split("\r\n")[:-1] for which, session in self.sessions.items()}

    def fits(self, answer: str, wanted: str) -> bool:
        pattern, at, names = "", 0, set()
        for found in _WILD.finditer(wanted):
            pattern += re.escape(wanted[at : found.start()])
            name = found[0][1:-1]
            if found[0] == "...":
                pattern += ".*"
            elif name in self.known:
                pattern += re.escape(self.known[name])
            else:
                pattern += rf"(?P<{name}>[^ ()\[\]]+)"
                names.add(name)
            at = found.end()
        match = re.fullmatch(pattern + re.escape(wanted[at:]), answer, re.DOTALL)
        if match is not None:
            self.known.update({name: match[name] for name in names})
        return match is not None


def header(lines: list[str], key: str) -> str:
    return next((line.partition(": ")[2] for line in lines if line.startswith(f"# {key}: ")), "")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    for number, (octets, flags) in enumerate(zip(MESSAGES, FLAGS, strict=True)):
        made.put(octets, *flags, seconds=1_704_103_200 + 86_400 * number)
    yield made
    made.close()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_conversation(path: Path, house: House) -> None:
    converse(path, house)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("client_*.txt")), ids=lambda path: path.stem)
def test_conversation_of_a_loaded_server(path: Path, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command leaves others their turn, as where the machine is slow: the answers are the same."""
    monkeypatch.setattr(in_flight, "TURN_SECONDS", -1.0)
    converse(path, house)


def converse(path: Path, house: House) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# RFC ")
    play = Play(house, header(lines, "begin") or "select")
    waiting = play.took()
    for number, line in enumerate(lines, 1):
        where = f"{path.name}:{number}: {line}"
        found = _LINE.match(line)
        if found is None:
            assert not line or line.startswith("#"), where
        elif found[1] == "C":
            assert not any(waiting.values()), f"{where}: not expected before it: {waiting}"
            play.send(found[2], found[3] or "")
            waiting = play.took()
        else:
            assert waiting.get(found[2]), f"{where}: nothing was answered; others: {waiting}"
            answer = waiting[found[2]].pop(0)
            assert play.fits(answer, found[3] or ""), f"{where}: answered: {answer}"
    assert not any(waiting.values()), waiting


def answered(text: str, verb: str) -> set[str]:
    """OK, NO, BAD: how the commands of this verb were answered in a conversation."""
    tags = re.findall(rf"(?im)^C2?: (\S+) {re.escape(verb)}(?: |$)", text)
    replies = dict(re.findall(r"(?m)^S2?: ([A-Za-z0-9.]+) (OK|NO|BAD) ", text))
    return {replies[tag] for tag in tags if tag in replies}


@pytest.mark.parametrize("verb", [verb.name for verb in (*VERBS.values(), *UID_VERBS.values())])
def test_every_command_is_shown_at_work_and_refused(verb: str) -> None:
    path = FOLDER / f"{verb.removeprefix('UID ').lower()}.txt"
    assert path.exists(), f"{verb} needs {path}"
    said = answered(path.read_text(encoding="utf-8"), verb)
    assert "OK" in said
    assert said & {"NO", "BAD"}


def test_every_advertised_capability_is_shown_and_no_other(house: House) -> None:
    shown = {
        name for path in FILES for name in header(path.read_text(encoding="utf-8").splitlines(), "shows").split(", ")
    } - {""}
    connection = house.connect()
    before = re.search(rb"\[CAPABILITY ([^\]]+)\]", connection.took())
    after = re.search(rb"\[CAPABILITY ([^\]]+)\]", connection.say(b"a LOGIN user {13+}\r\ncorrect horse\r\n"))
    assert before is not None
    assert after is not None
    advertised = set(f"{before[1].decode()} {after[1].decode()}".split())
    assert {name.partition("=")[0] if name.startswith("APPENDLIMIT") else name for name in advertised} == shown
