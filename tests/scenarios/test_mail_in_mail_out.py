"""A message comes in by SMTP, LMTP and submission, and goes out by IMAP and POP3 with the same octets."""

import imaplib
import poplib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from tests.scenarios.server import MailServer

ALICE, BOB, PASSWORD = "alice@example.org", "bob@example.org", "correct horse"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with MailServer(tmp_path_factory.mktemp("mail"), {ALICE: PASSWORD, BOB: PASSWORD}) as running:
        yield running


@pytest.fixture(autouse=True)
def no_waiting_for_ever() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(20)
    yield
    socket.setdefaulttimeout(before)


def trusting(server: MailServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.folder / "tls/certificate.pem"))


def message(subject: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["Message-ID"] = (
        "x@elsewhere.test",
        ALICE,
        subject,
        f"<{subject}@test>",
    )
    made.set_content(".\r\n..\r\nline\r\n")
    return made.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def logged_in(server: MailServer, user: str = ALICE) -> imaplib.IMAP4_SSL:
    client = imaplib.IMAP4_SSL("localhost", server.port("imaps"), ssl_context=trusting(server))
    client.login(user, PASSWORD)
    return client


def bodies(server: MailServer, user: str = ALICE) -> list[bytes]:
    with logged_in(server, user) as client:
        client.select("INBOX", readonly=True)
        _, found = client.fetch("1:*", "(BODY.PEEK[])")
        return [part[1] for part in found if isinstance(part, tuple)]


def test_smtp_in_imap_out(server: MailServer) -> None:
    sent = message("smtp")
    with smtplib.SMTP("127.0.0.1", server.port("smtp")) as client:
        client.sendmail("x@elsewhere.test", [ALICE], sent)
    assert any(
        body.endswith(sent) and body.startswith(b"Return-Path: <x@elsewhere.test>\r\n") for body in bodies(server)
    )


def test_smtp_with_starttls(server: MailServer) -> None:
    sent = message("starttls")
    with smtplib.SMTP("localhost", server.port("smtp")) as client:
        client.starttls(context=trusting(server))
        client.sendmail("x@elsewhere.test", [ALICE, BOB], sent)
    for user in (ALICE, BOB):
        assert any(body.endswith(sent) for body in bodies(server, user))


def test_lmtp_in(server: MailServer) -> None:
    sent = message("lmtp")
    with smtplib.LMTP("127.0.0.1", server.port("lmtp")) as client:
        assert client.sendmail("x@elsewhere.test", [ALICE], sent) == {}
    assert any(body.endswith(sent) for body in bodies(server))


@pytest.mark.parametrize("door", ["submission", "submissions"])
def test_submission_in(server: MailServer, door: str) -> None:
    sent = message(door).replace(b"x@elsewhere.test", BOB.encode())
    if door == "submission":
        client = smtplib.SMTP("localhost", server.port(door))
        client.starttls(context=trusting(server))
    else:
        client = smtplib.SMTP_SSL("localhost", server.port(door), context=trusting(server))
    with client:
        client.login(BOB, PASSWORD)
        client.sendmail(BOB, [ALICE], sent)
    body = next(body for body in bodies(server) if f"<{door}@test>".encode() in body)
    assert body.endswith(b".\r\n..\r\nline\r\n")


def test_pop3_out(server: MailServer) -> None:
    sent = message("pop3")
    with smtplib.SMTP("127.0.0.1", server.port("smtp")) as client:
        client.sendmail("x@elsewhere.test", [BOB], sent)
    client = poplib.POP3_SSL("localhost", server.port("pop3s"), context=trusting(server))
    client.user("bob")
    client.pass_(PASSWORD)
    count, _ = client.stat()
    _, lines, _ = client.retr(count)
    client.quit()
    assert (b"\r\n".join(lines) + b"\r\n").endswith(sent)


def test_idle_sees_new_mail_at_once(server: MailServer) -> None:
    with logged_in(server) as client:
        client.select("INBOX")
        before = int(client.response("EXISTS")[1][0] or 0) if client.untagged_responses.get("EXISTS") else 0
        client.send(b"a1 IDLE\r\n")
        assert client.readline().startswith(b"+ ")
        with smtplib.SMTP("127.0.0.1", server.port("smtp")) as sender:
            sender.sendmail("x@elsewhere.test", [ALICE], message("idle"))
        line = client.readline()
        while b"EXISTS" not in line:
            line = client.readline()
        assert int(line.split()[1]) > before
        client.send(b"DONE\r\n")
        while not client.readline().startswith(b"a1 OK"):
            pass


def test_the_special_mailboxes_are_there(server: MailServer) -> None:
    with logged_in(server) as client:
        listed = b" ".join(line for line in client.list()[1] if isinstance(line, bytes))
    for use in (b"\\Drafts", b"\\Sent", b"\\Junk", b"\\Trash", b"\\Archive"):
        assert use in listed


def test_what_happened_can_be_traced(server: MailServer) -> None:
    with smtplib.SMTP("127.0.0.1", server.port("smtp")) as client:
        client.sendmail("x@elsewhere.test", [ALICE], message("traced"))
    server.stop()
    server.start()
    trail = server.cli("trace", "<traced@test>").stdout
    assert "delivered" in trail
    assert f"to={ALICE}" in trail


def test_mail_survives_kill_9(server: MailServer) -> None:
    sent = message("survivor")
    with smtplib.SMTP("127.0.0.1", server.port("smtp")) as client:
        client.sendmail("x@elsewhere.test", [ALICE], sent)
    server.kill()
    server.start()
    assert sum(body.endswith(sent) for body in bodies(server)) == 1
