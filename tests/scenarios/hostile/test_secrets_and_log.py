"""What clients send never reaches the log as a secret, nor as a line of its own, a colour or a second field."""

import base64
import json
import re
from collections.abc import Iterator

import pytest

from tests.scenarios.hostile.bystander import PASSWORD
from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer

SECRET = b"vErY-sEcReT-w0rd"
PLAIN = base64.b64encode(b"\0anna\0" + SECRET)
FORGED = b"anna\r\n2026-01-01T00:00:00.000Z error forged by=client\x1b[31m\x00\x0b\xe2\x80\xa8" + b"x" * 20
A_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warn|error) \S+ [^\n]+\n")

GUESSES = {
    "imap": [
        b"a LOGIN anna " + SECRET,
        b'a LOGIN anna "%b"' % SECRET,
        b"a LOGIN {4+}\r\nanna {%d+}\r\n%b" % (len(SECRET), SECRET),
        b"a LOGN anna " + SECRET,
        b"a LOGIN anna %b extra" % SECRET,
        b"%b LOGIN anna" % SECRET,
        b"a AUTHENTICATE PLAIN " + PLAIN,
        b"a AUTHENTICATE PLAIN\r\n" + PLAIN,
        b"a AUTHENTICATE X-PLAIN " + PLAIN,
        b"a ID (%b NIL)" % SECRET,
    ],
    "pop3": [
        b"USER anna\r\nPASS " + SECRET,
        b"PASS " + SECRET,
        b"APOP anna " + SECRET * 2,
        b"AUTH PLAIN " + PLAIN,
        b"AUTH PLAIN\r\n" + PLAIN,
        b"AUTH LOGIN\r\nYW5uYQ==\r\n" + base64.b64encode(SECRET),
        b"PAS " + SECRET,
    ],
    "submission": [
        b"AUTH PLAIN " + PLAIN,
        b"AUTH PLAIN\r\n" + PLAIN,
        b"AUTH LOGIN\r\nYW5uYQ==\r\n" + base64.b64encode(SECRET),
        b"AUTH LOGIN YW5uYQ==\r\n" + base64.b64encode(SECRET),
        b"AUTH X-PLAIN " + PLAIN,
        b"AUT PLAIN " + PLAIN,
    ],
}


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {
        "login": {"insecure_login_networks": ["127.0.0.0/8"], "throttle_max_milliseconds": 0},
        "log": {"level": "debug"},
    }
    accounts = {"anna@example.org": PASSWORD, "ben@example.org": SECRET.decode()}
    with MailServer(tmp_path_factory.mktemp("secrets"), accounts, settings) as running:
        yield running


def everything_written(server: MailServer) -> bytes:
    """The log and all files of the data directory, once the server has stopped."""
    server.stop()
    files = [path.read_bytes() for path in sorted(server.data.rglob("*")) if path.is_file()]
    return b"".join(["".join(server.output).encode(), *files])


def say(server: MailServer, listener: str, commands: list[bytes]) -> None:
    for command in commands:
        with Conversation(server, listener) as talk:
            talk.until(b"220 ", b"+OK", b"* OK")
            talk.send(b"EHLO me\r\n" if listener == "submission" else b"", command, b"\r\n")
            talk.send(b"z LOGOUT\r\n" if listener == "imap" else b"QUIT\r\n")
            talk.rest()


def test_no_secret_is_written(server: MailServer) -> None:
    for listener, commands in GUESSES.items():
        say(server, listener, commands)
        say(server, listener, [command.replace(b"anna", b"ben") for command in commands])
    written = everything_written(server)
    assert b"anna" in written
    for secret in (SECRET, PLAIN, base64.b64encode(SECRET), PLAIN.replace(b"YW5uYQ", b"YmVu")):
        assert secret not in written


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_line_stays_a_line(server: MailServer, form: str) -> None:
    server.stop()
    server.set("log", format=form)
    server.output.clear()
    server.start()
    literal = b"{%d+}\r\n%b" % (len(FORGED), FORGED.replace(b"\0", b"\1"))
    say(
        server,
        "imap",
        [b"a LOGIN %b x" % literal, b"a LOGIN x " + literal, FORGED, b"a ID (%b %b)" % (literal, literal)],
    )
    say(server, "pop3", [b"USER " + FORGED.replace(b"\r\n", b"\r") + b"\r\nPASS x", FORGED])
    name = base64.b64encode(b"\0" + FORGED.replace(b"\0", b"") + b"\0x")
    say(server, "submission", [b"AUTH PLAIN " + name, b"EHLO " + FORGED, b"MAIL FROM:<" + FORGED + b">"])
    with Conversation(server, "smtp") as talk:
        talk.until(b"220 ")
        talk.ask(b"EHLO me", b"250 ")
        talk.send(b'MAIL FROM:<"a\\\x1b[31m b"@b.test>\r\nMAIL FROM:<"a b=c session=1"@b.test>\r\n')
        talk.send(b"RCPT TO:<anna@example.org>\r\nDATA\r\n")
        talk.until(b"354 ")
        talk.ask(b"Message-ID: <x\x1b[31m session=forged\xe2\x80\xa8@y>\r\n\r\nx\r\n.", b"250 2.0.0")
    server.stop()
    lines = [line for line in server.output if not line.startswith("Unhandled")]
    assert len(lines) > 20
    for line in lines:
        assert line[:-1].isprintable(), line
        assert not line.startswith("2026-01-01"), line
        if form == "text":
            assert A_LINE.fullmatch(line), line
        else:
            assert json.loads(line)["event"]
    assert not [line for line in lines if " forged by=client" in line.partition('"')[0]]
