"""Real mail through the real process: every octet that goes in comes out, by IMAP and by POP3.

Every 40th message of the corpus in `make test`, all 6,229 in `make test-slow`; beside them messages that are large or
odd in ways that the corpus is not.
"""

import imaplib
import json
import random
import socket
import ssl
from base64 import encodebytes
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from tests.scenarios.mail_carriers import (
    Pop3Drain,
    SmtpSession,
    append,
    append_all,
    as_delivered,
    carried_by_data,
    fetch_all,
    send_all,
    unprefixed,
)
from tests.scenarios.server import MailServer
from tests.wire.mime.vectors import MBOXES, mbox

READER, PASSWORD = "reader@example.org", "correct horse"
SESSIONS = 4
BY_APPEND_OF_ALL = 0
MIB = 1 << 20


def trusting(server: MailServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.folder / "tls/certificate.pem"))


def logged_in(server: MailServer) -> imaplib.IMAP4_SSL:
    client = imaplib.IMAP4_SSL("localhost", server.port("imaps"), ssl_context=trusting(server), timeout=60)
    client.login(READER, PASSWORD)
    return client


def new_server(folder: Path) -> MailServer:
    return MailServer(folder, {READER: PASSWORD}, {"limits": {"exempt_networks": ["127.0.0.0/8"]}})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    with new_server(tmp_path) as running:
        yield running


def digests(messages: Sequence[bytes]) -> Counter[bytes]:
    return Counter(sha256(message).digest() for message in messages)


def ended(message: bytes) -> bytes:
    """POP3 gives whole lines: RFC 1939 §3."""
    return message if message.endswith(b"\r\n") else message + b"\r\n"


def through_all_doors(server: MailServer, messages: list[bytes]) -> int:
    """In by SMTP, or by APPEND what SMTP cannot carry; out by IMAP and POP3. How many went in by APPEND."""
    by_smtp = [(n, message) for n, message in enumerate(messages) if carried_by_data(message)]
    by_append = [message for message in messages if not carried_by_data(message)]
    send_all(server.port("smtp"), by_smtp, READER.encode(), SESSIONS)
    client = logged_in(server)
    append_all(client, by_append)
    fetched = partial(fetch_all, client)
    compare(dict(by_smtp), by_append, fetched())
    drain = Pop3Drain(server.port("pop3s"), trusting(server), READER, PASSWORD)
    compare(dict(by_smtp), [ended(message) for message in by_append], drain.all(), stored_sizes(fetched()))
    drain.close()
    client.logout()
    return len(by_append)


def stored_sizes(fetched: Iterator[tuple[int, bytes]]) -> list[int]:
    return [size for size, _ in fetched]


def compare(
    by_smtp: dict[int, bytes], by_append: list[bytes], came: Iterator[tuple[int, bytes]], sizes: list[int] | None = None
) -> None:
    """sizes: what IMAP calls them, for POP3, which may add a last CRLF; else each is that of the octets."""
    appended = []
    missing = dict(by_smtp)
    for position, (size, octets) in enumerate(came):
        assert size == (len(octets) if sizes is None else sizes[position])
        if octets.startswith(b"Return-Path: <m"):
            number, rest = unprefixed(octets)
            sent = as_delivered(missing.pop(number))
            assert sha256(rest).digest() == sha256(sent).digest(), number
        else:
            appended.append(octets)
    assert missing == {}
    assert digests(appended) == digests(by_append)


def check_store(server: MailServer, messages: int) -> None:
    found = json.loads(server.cli("--json", "store", "check").stdout)
    assert (found["clean"], found["messages"]) == (True, messages), found


def test_every_40th_message(server: MailServer) -> None:
    messages = [message for name in MBOXES for message in mbox(name)][::40]
    through_all_doors(server, messages)
    check_store(server, len(messages))


@pytest.mark.slow
def test_every_message(server: MailServer) -> None:
    messages = [message for name in MBOXES for message in mbox(name)]
    assert len(messages) == 6229
    assert through_all_doors(server, messages) == BY_APPEND_OF_ALL
    check_store(server, len(messages))


HEADER = b"From: a@b.example\r\nSubject: odd\r\n"
ODD = {
    "one octet": b"x",
    "an empty line": b"\r\n",
    "a lone dot": b".\r\n",
    "only a header": HEADER,
    "a header without its last line end": HEADER[:-2],
    "an empty body": HEADER + b"\r\n",
    "no last line end": HEADER + b"\r\nno end",
    "NUL": HEADER + b"\r\n\0\0 in the\0 body\r\n",
    "NUL in the header": HEADER + b"X-Nul: a\0b\r\n\r\nbody\r\n",
    "bare LF": HEADER.replace(b"\r\n", b"\n") + b"\nbody\n.\n",
    "bare CR": HEADER + b"\r\na\rb\r\r\n\r",
    "every octet": HEADER + b"\r\n" + bytes(range(256)) * 5,
    "dots": HEADER + b"\r\n.\r\n..\r\n.x\r\n\r\n.\r\n",
    "a long line": HEADER + b"\r\n" + b"y" * 300_000 + b"\r\n",
    "a long header": b"Subject: " + b"z" * 120_000 + b"\r\n\r\nbody\r\n",
    "no header": b"\r\nfirst line of the body\r\n",
    "not a header": b"this is no header\r\n\r\nnor is this\r\n",
    "unclosed parts": b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\none\r\n--x\r\n',
    "nested parts": b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (depth, depth) for depth in range(300)
    ),
}


def test_odd_messages_by_append(server: MailServer) -> None:
    client = logged_in(server)
    append_all(client, ODD.values())
    fetched = list(fetch_all(client))
    assert [octets for _, octets in fetched] == list(ODD.values())
    assert [size for size, _ in fetched] == [len(octets) for octets in ODD.values()]
    drain = Pop3Drain(server.port("pop3s"), trusting(server), READER, PASSWORD)
    assert [octets for _, octets in drain.all()] == [ended(octets) for octets in ODD.values()]
    drain.close()
    for item in ("ENVELOPE", "BODYSTRUCTURE", "BODY", "BODY.PEEK[TEXT]", "BODY.PEEK[1.MIME]", "RFC822.HEADER"):
        assert len(client.fetch("1:*", f"({item})")[1]) >= len(ODD)
    client.logout()
    check_store(server, len(ODD))


def test_odd_messages_by_chunks(server: MailServer) -> None:
    """BDAT with BODY=BINARYMIME carries any octets (RFC 3030 §3)."""
    session = SmtpSession(server.port("smtp"))
    for number, message in enumerate(ODD.values()):
        half = len(message) // 2
        envelope = b"MAIL FROM:<m%d@corpus.invalid> BODY=BINARYMIME\r\nRCPT TO:<%b>\r\n" % (number, READER.encode())
        chunks = b"BDAT %d\r\n%bBDAT %d LAST\r\n%b" % (half, message[:half], len(message) - half, message[half:])
        session.socket.sendall(envelope + chunks)
        for _ in range(4):
            session.reply(b"250")
    session.close()
    client = logged_in(server)
    came = dict(unprefixed(octets) for _, octets in fetch_all(client))
    client.logout()
    assert [came[number] for number in range(len(ODD))] == list(ODD.values())
    check_store(server, len(ODD))


def test_a_message_of_nothing_is_refused(server: MailServer) -> None:
    client = logged_in(server)
    assert append(client, "INBOX", b"")[0] == "NO"
    assert client.select("INBOX")[1] == [b"0"]
    client.logout()


def large_message(octets: int) -> bytes:
    """One large attachment in base64, one in 8-bit octets."""
    noise = random.Random(3).randbytes(octets // 76 * 57 // 2)
    encoded = encodebytes(noise).replace(b"\n", b"\r\n")
    plain = (b"\xe4" * 70 + b"\r\n") * (octets // 2 // 72)
    return (
        b'From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n'
        b"--x\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + encoded
        + b"\r\n--x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + plain
        + b"\r\n--x--\r\n"
    )


@pytest.mark.slow
def test_thirty_mebibytes_by_every_door(server: MailServer) -> None:
    message = large_message(30 * MIB)
    SmtpSession(server.port("smtp")).send([(0, message)], READER.encode())
    client = logged_in(server)
    append_all(client, [message])
    came = list(fetch_all(client))
    assert unprefixed(came[0][1]) == (0, message)
    assert came[1] == (len(message), message)
    _, found = client.fetch("2", "(BODY.PEEK[1]<1000000.70>)")
    start = message.index(b"base64\r\n\r\n") + 10
    assert found[0][1] == message[start + 1_000_000 : start + 1_000_070]
    drain = Pop3Drain(server.port("pop3s"), trusting(server), READER, PASSWORD)
    assert [octets for _, octets in drain.all()] == [came[0][1], message]
    drain.close()
    client.logout()
    check_store(server, 2)


def test_a_message_over_the_limit_is_refused_before_it_is_sent(server: MailServer) -> None:
    server.stop()
    server.set("smtp", max_message_bytes=MIB)
    server.set("imap", max_append_bytes=MIB)
    server.start()
    session = SmtpSession(server.port("smtp"))
    session.socket.sendall(b"MAIL FROM:<a@b.example> SIZE=%d\r\n" % (MIB + 1))
    session.reply(b"552")
    session.close()
    with socket.create_connection(("localhost", server.port("imaps")), 20) as plain:
        with trusting(server).wrap_socket(plain, server_hostname="localhost") as secured:
            secured.sendall(b"a LOGIN %b {%d}\r\n" % (READER.encode(), len(PASSWORD)))
            stream = secured.makefile("rb")
            while not stream.readline().startswith(b"+ "):
                pass
            secured.sendall(PASSWORD.encode() + b"\r\nb APPEND INBOX {%d}\r\n" % (MIB + 1))
            while not (line := stream.readline()).startswith(b"b "):
                pass
            stream.close()
    assert line.startswith(b"b NO [TOOBIG]")
