"""What the tests of real clients share: finding a program, running it, and reading what arrived.

Standing rules: a program that is not installed skips its test with that reason; every run ends by itself within
RUN_SECONDS; nothing leaves loopback; a home folder of its own keeps each program from the user's settings.
"""

from __future__ import annotations

import imaplib
import os
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.scenarios.server import MailServer

ALICE, BOB, PASSWORD = "alice@example.org", "bob@example.org", "correct horse"
RUN_SECONDS = 60


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def run(*command: str | Path, home: Path, input: bytes = b"", ok: Sequence[int] = (0,), **more: str) -> str:
    """The program's output; its status must be one of `ok`."""
    done = subprocess.run(
        [str(word) for word in command],
        input=input,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=RUN_SECONDS,
        check=False,
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb", **more},
    )
    output = done.stdout.decode("utf-8", "replace")
    assert done.returncode in ok, f"status {done.returncode}:\n{output}"
    return output


def certificate(server: MailServer) -> Path:
    return server.folder / "tls/certificate.pem"


def trusting(server: MailServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate(server)))


def message(subject: str, sender: str = "x@elsewhere.test", body: str = ".\n..\nline\n", **fields: str) -> bytes:
    """With LF, as programs take it on standard input."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["Message-ID"] = sender, ALICE, subject, f"<{subject}@test>"
    for name, value in fields.items():
        made[name] = value
    made.set_content(body)
    return made.as_bytes()


def crlf(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def imap(server: MailServer, user: str = ALICE) -> imaplib.IMAP4_SSL:
    client = imaplib.IMAP4_SSL("localhost", server.port("imaps"), ssl_context=trusting(server), timeout=30)
    client.login(user, PASSWORD)
    return client


def bodies(server: MailServer, user: str = ALICE, mailbox: str = "INBOX") -> list[bytes]:
    """Every message of a mailbox."""
    with imap(server, user) as client:
        status, count = client.select(mailbox, readonly=True)
        assert status == "OK", count
        if count == [b"0"]:
            return []
        _, found = client.fetch("1:*", "(BODY.PEEK[])")
        return [part[1] for part in found if isinstance(part, tuple)]


def about(server: MailServer, subject: str, user: str = ALICE, mailbox: str = "INBOX") -> list[bytes]:
    """The messages that were sent with this subject."""
    return [each for each in bodies(server, user, mailbox) if f"Subject: {subject}\r\n".encode() in each]


def append(server: MailServer, octets: bytes, flags: str = "()", user: str = ALICE, mailbox: str = "INBOX") -> None:
    with imap(server, user) as client:
        assert client.append(mailbox, flags, imaplib.Time2Internaldate(1_700_000_000), octets)[0] == "OK"
