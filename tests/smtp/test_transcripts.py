"""The conversations of tests/transcripts/smtp, played over StringTransport.

First line: "# what RFC, listener NAME"; "# shows: CHUNKING" tells which EHLO keywords it is about. "C: x" sends x and
CRLF and reads the answers, "C+ x" sends more first; "S: x" is an answer line that begins so, "S: x*" all lines of one
reply, each beginning with x. The answers to each "C:" must be these and no others.
"""

from pathlib import Path

import pytest

from tests.smtp.doubles import Client, House

FOLDER = Path(__file__).parents[1] / "transcripts" / "smtp"


def play(client: Client, text: str) -> None:
    answers = client.read().decode().splitlines()
    waiting = b""
    for number, line in enumerate(text.splitlines()[1:], 2):
        where = f"line {number}: {line}"
        kind, said = line[:2], line[3:]
        if kind == "# ":
            continue
        if kind in ("C:", "C+"):
            assert not answers, f"{where}: not expected before it: {answers}"
            waiting += said.encode() + b"\r\n"
            if kind == "C:":
                client.server.dataReceived(waiting)
                waiting = b""
                answers = client.read().decode().splitlines()
        else:
            assert kind == "S:", where
            assert answers, f"{where}: nothing was answered"
            if said.endswith("*"):
                while answers[0].startswith(f"{said[:-1]}-"):
                    answers.pop(0)
            assert answers.pop(0).startswith(said.rstrip("*")), where
    assert not answers


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_conversation(path: Path, tmp_path: Path) -> None:
    text = path.read_text()
    house = House(tmp_path)
    house.authenticator.accounts[b"right"] = house.anna
    listener = text.splitlines()[0].rpartition("listener ")[2]
    play(Client(house, listener, host="127.0.0.1"), text)


def test_every_keyword_of_ehlo_is_shown_and_no_other(tmp_path: Path) -> None:
    offered = set()
    for listener in ("smtp", "submission", "submissions", "lmtp"):
        house = House(tmp_path / listener)
        client = Client(house, listener, host="127.0.0.1")
        client.read()
        client.server.dataReceived(b"LHLO x.example\r\n" if listener == "lmtp" else b"EHLO x.example\r\n")
        offered |= {line[4:].split()[0] for line in client.read().decode().splitlines()[1:]}
    shown: set[str] = set()
    for path in FOLDER.glob("*.txt"):
        for line in path.read_text().splitlines():
            if line.startswith("# shows: "):
                shown.update(line[9:].split(", "))
    assert offered == shown
