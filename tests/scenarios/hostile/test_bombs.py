"""Messages made to be dear: taken by every door, given back octet for octet, and nobody else waits for them."""

from collections.abc import Iterator

import pytest

from tests.scenarios.hostile.bystander import PASSWORD, USER, Bystander
from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer

MIXED = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="
BOMBS = {
    "10,000 multiparts in each other": MIXED
    + b"".join(b"b%d\r\n\r\n--b%d\r\nContent-Type: multipart/mixed; boundary=" % (n, n) for n in range(10_000))
    + b"x\r\n\r\nx\r\n",
    "10,000 multiparts of one name": MIXED
    + b"b\r\n\r\n"
    + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 10_000,
    "100,000 parts": MIXED + b"b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000 + b"--b--\r\n",
    "10,000 messages in each other": b"MIME-Version: 1.0\r\n"
    + b"Content-Type: message/rfc822\r\n\r\nSubject: y\r\n" * 10_000
    + b"\r\nx\r\n",
    "boundaries that begin alike": MIXED
    + b"b\r\n\r\n"
    + b"".join(b"--b\r\nContent-Type: multipart/mixed; boundary=b%b\r\n\r\n" % (b"b" * n) for n in range(90))
    + b"--bbbbbbbbbbbbbbbb\r\n" * 100_000,
    "an empty boundary": MIXED + b'""\r\n\r\n' + b"--\r\n\r\n" * 100_000,
    "a header of 5 MB": b"Subject: " + (b"x" * 900 + b"\r\n ") * 5_800 + b"y\r\n\r\nbody\r\n",
    "100,000 fields": b"".join(b"X-%d: y\r\n" % n for n in range(100_000)) + b"\r\nbody\r\n",
    "30,000 recipients": b"From: a@b.test\r\nTo: "
    + b",\r\n ".join(b'"Name %d" <user%d@example.net>' % (n, n) for n in range(30_000))
    + b"\r\n\r\nx\r\n",
    "a megabyte of comments": b"To: " + b"\r\n ".join([b"(" * 900] * 1_100) + b"\r\n\r\nx\r\n",
    "a megabyte of angles": b"To: " + b"\r\n ".join([b"<" * 900] * 1_100) + b"\r\n\r\nx\r\n",
    "a megabyte of encoded words": b"Subject: " + b"\r\n ".join([b"=?utf-8?q?=41?=" * 60] * 1_100) + b"\r\n\r\nx\r\n",
    "60,000 parameters": b"Content-Type: text/plain" + b";\r\n a*0=b" * 60_000 + b"\r\n\r\nx\r\n",
    "8 MB of padding": b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=A==\r\n" * 1_400_000,
    "8 MB of soft line ends": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=41=\r\n" * 1_400_000,
    "8 MB of empty lines": b"Subject: x\r\n\r\n" + b"\r\n" * 4_000_000,
    "8 MB of unclosed tags": b"Content-Type: text/html\r\n\r\n" + b"<!--<script><style><a href='\r\n" * 270_000,
    "4 MB that is no UTF-7": b"Content-Type: text/plain; charset=utf-7\r\n\r\n" + (b"+" * 900 + b"\r\n") * 4_400,
    "4 MB that is no HZ": b"Content-Type: text/plain; charset=hz\r\n\r\n" + (b"~{" * 450 + b"\r\n") * 4_400,
    "a codec that is no charset": b"Content-Type: text/plain; charset=zlib_codec\r\n\r\nx\r\n",
    "a codec that takes square time": b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a" * 900 + b"\r\n",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {"login": {"insecure_login_networks": ["127.0.0.0/8"]}}
    accounts = {"anna@example.org": PASSWORD, USER: PASSWORD}
    with MailServer(tmp_path_factory.mktemp("bombs"), accounts, settings) as running:
        yield running
        assert not [line for line in running.output if " error " in line or "Traceback" in line]
    found = running.cli("store", "check")
    assert found.stdout.startswith("clean: "), found.stdout


@pytest.fixture(scope="module")
def reader(server: MailServer) -> Iterator[Conversation]:
    with Conversation(server, "imap", timeout=60) as talk:
        talk.until(b"* OK")
        talk.ask(f"a LOGIN anna {PASSWORD}".encode(), b"a OK")
        talk.ask(b"a SELECT INBOX", b"a OK")
        yield talk


def by_smtp(server: MailServer, door: str, message: bytes) -> None:
    with Conversation(server, door, timeout=60) as talk:
        talk.until(b"220 ")
        talk.ask(b"LHLO me" if door == "lmtp" else b"EHLO me", b"250 ")
        talk.send(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<anna@example.org>\r\nDATA\r\n")
        talk.until(b"354 ")
        talk.ask(message.replace(b"\r\n.", b"\r\n..") + b".", b"250 2.0.0")


@pytest.mark.parametrize("door", ["append", "smtp", "lmtp"])
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb(server: MailServer, reader: Conversation, name: str, door: str) -> None:
    message = BOMBS[name]
    with Bystander(server) as bystander:
        if door == "append":
            reader.send(b"b APPEND INBOX {%d+}\r\n" % len(message), message, b"\r\n")
            reader.until(b"b OK")
        else:
            by_smtp(server, door, message)
        reader.ask(b"n NOOP", b"n OK")
        reader.ask(b"c FETCH * (ENVELOPE BODYSTRUCTURE)", b"c OK")
        reader.ask(b"d SEARCH SUBJECT nothing", b"d OK")
        reader.ask(b"d SEARCH TEXT nothing", b"d OK")
        start = reader.ask(b"e FETCH * (BODY.PEEK[])", b"* ")
        given = reader.octets(int(start[start.index(b"{") + 1 : -1]))
        reader.until(b"e OK")
    assert given == message if door == "append" else given.endswith(b"\r\n" + message)
    bystander.was_served()
    bystander.held_octets_below(100 << 20)
