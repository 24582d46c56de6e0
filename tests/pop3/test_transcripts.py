"""Conversations in tests/transcripts/pop3: "C:" what the client sends, "S:" each line that the server answers.

"C+" is sent together with the "C:" that follows. A file begins with the RFC section that it is about, and tells by
"# shows: UIDL" which names of CAPA. The inbox holds the two messages below; the password is
"correct horse". "*" at the end of an S: line stands for any rest.
"""

from pathlib import Path

import pytest

from tests.pop3.stage import Stage

FOLDER = Path(__file__).parents[1] / "transcripts" / "pop3"
MESSAGES = (b"Subject: one\r\n\r\n.dotted\r\nlast\r\n", b"From: b@example.org\r\nSubject: two\r\n\r\nbody\r\n")
FILES = sorted(FOLDER.glob("*.txt"))


def test_every_name_of_capa_is_shown_and_no_other():
    stage = Stage()
    client = stage.client()
    client.take()
    offered = client.say(b"CAPA").split(b"\r\n")[1:-2]
    offered += stage.logged_in().say(b"CAPA").split(b"\r\n")[1:-2]
    shown = set()
    for path in FILES:
        for line in path.read_text().splitlines():
            if line.startswith("# shows: "):
                shown.update(line[9:].split(", "))
    assert {line.split()[0].decode() for line in offered} == shown


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_transcript(path):
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# RFC ")
    stage = Stage(apop="apop" in path.stem)
    for octets in MESSAGES:
        stage.mail.add(octets)
    client = stage.client()
    expected: list[str] = []
    together = b""
    for number, line in enumerate(lines[1:], 2):
        if line.startswith("S: ") or line == "S:":
            expected.append(line[3:])
        elif line.startswith("C+"):
            together += line[3:].encode() + b"\r\n"
        elif line.startswith("C:"):
            check(client.take(), expected, path, number)
            expected = []
            client.server.dataReceived(together + line[3:].encode() + b"\r\n")
            together = b""
            stage.clock.advance(10)
        else:
            assert not line or line.startswith("#"), line
    check(client.take(), expected, path, len(lines))


def check(octets, expected, path, number):
    answers = octets.decode().split("\r\n")
    assert answers.pop() == ""
    assert len(answers) == len(expected), (path.name, number, answers)
    for answer, wanted in zip(answers, expected, strict=True):
        fits = answer.startswith(wanted[:-1]) if wanted.endswith("*") else answer == wanted
        assert fits, (path.name, number, answer, wanted)
