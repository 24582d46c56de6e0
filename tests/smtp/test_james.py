"""James's SMTP conversations: the codes of our replies against theirs; where they differ, the reason."""

from pathlib import Path

import pytest

from tests.imap.mpt import read
from tests.smtp.doubles import Client, House
from tests.wire.mime.vectors import DATA

FOLDER = DATA / "james-mpt" / "smtp"
AFTER_TLS = "a login needs the submission listener and TLS, and comes after EHLO"
DIFFERENT = {
    "authplain": (["334 502", "334 500", "235 500"], AFTER_TLS),
    "starttls_session_fixation": (["334 502", "334 500", "235 500", "250 550", "501 220"], AFTER_TLS),
}


def codes(lines: list[str]) -> list[str]:
    """The code of each reply, of which "250-" is not the last line."""
    return [line[:3] for line in lines if line[3:4] != "-"]


@pytest.mark.skipif(not FOLDER.exists(), reason=f"{FOLDER} is not there")
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.test")), ids=lambda path: path.stem)
def test_conversation(path: Path, tmp_path: Path) -> None:
    house = House(tmp_path)
    house.directory.local.add("mydomain.tld")
    for number, name in enumerate(("bob", "starttls"), 10):
        house.directory.add(number, f"{name}@mydomain.tld")
    client = Client(house, "smtp", host="127.0.0.1")
    expected: list[str] = []
    answered: list[str] = []
    for step in read(path.read_text(encoding="utf-8")):
        for line in step.sent:
            client.server.dataReceived(line.encode() + b"\r\n")
        answered += codes(client.read().decode().splitlines())
        expected += codes([line.replace("250.*", "250-") for line in step.expected])
    different = [f"{theirs} {ours}" for theirs, ours in zip(expected, answered, strict=True) if theirs != ours]
    assert different == DIFFERENT.get(path.stem, ([], ""))[0]
