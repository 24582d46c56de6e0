"""neomutt sends in batch mode, and reads, replies, searches, copies and deletes by keys on a terminal."""

import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path
from threading import Timer

import pytest

from tests.scenarios.clients.house import (
    ALICE,
    BOB,
    PASSWORD,
    RUN_SECONDS,
    about,
    append,
    certificate,
    crlf,
    imap,
    message,
    needs,
    run,
)
from tests.scenarios.server import MailServer

pytestmark = needs("neomutt")


def configured(server: MailServer, home: Path) -> Path:
    file = home / "muttrc"
    user, password = BOB, PASSWORD
    file.write_text(
        f'set folder="imaps://localhost:{server.port("imaps")}/"\nset spoolfile="+INBOX"\nset record="+Sent"\n'
        f'set imap_user="{user}"\nset imap_pass="{password}"\n'
        f'set smtp_url="smtp://{user}@localhost:{server.port("submission")}/"\nset smtp_pass="{password}"\n'
        # of itself it takes SCRAM-SHA-256-PLUS, which it has no channel binding for, and gives up
        'set smtp_authenticators="plain"\n'
        f'set from="{user}"\nset realname="Bob"\nset use_from=yes\nset envelope_from=yes\nset copy=yes\n'
        f'set ssl_force_tls=yes\nset ssl_starttls=yes\nset certificate_file="{certificate(server)}"\n'
        f'set ssl_ca_certificates_file="{certificate(server)}"\n'
        "set quit=yes\nset delete=yes\nset confirmappend=no\nset mark_old=no\nset sleep_time=0\nset move=no\n"
        f'set header_cache=""\nset tmpdir="{home}"\nset wait_key=no\n'
    )
    return file


def on_a_terminal(*command: str | Path, home: Path) -> None:
    """Run it as a person would. It must end by itself."""
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TERM": "xterm", "LINES": "40"}
    words = [str(word) for word in command]
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=home, env=environment)
    os.close(theirs)
    watchdog = Timer(RUN_SECONDS, process.kill)
    watchdog.start()
    shown = b""
    with suppress(OSError):  # EIO: the program is gone
        while piece := os.read(ours, 65536):
            shown += piece
    os.close(ours)
    status = process.wait()
    watchdog.cancel()
    assert status == 0, shown.decode("utf-8", "replace")


@pytest.fixture(autouse=True)
def empty_inbox(server: MailServer) -> None:
    with imap(server, BOB) as client:
        client.select("INBOX")
        client.uid("STORE", "1:*", "+FLAGS.SILENT", "\\Deleted")
        client.expunge()


def test_sends_in_batch_mode(server: MailServer, tmp_path: Path) -> None:
    attached = tmp_path / "attached.txt"
    attached.write_text("attached\n.\n")
    rc = configured(server, tmp_path)
    words = ("neomutt", "-n", "-F", rc, "-s", "neomutt sends", "-a", attached, "--", ALICE)
    run(*words, home=tmp_path, input=b".\nbody\n")
    (came,) = about(server, "neomutt sends")
    assert b"\r\n\r\n.\r\nbody\r\n" in came
    assert b"attached\r\n.\r\n" in came


def in_the_inbox(server: MailServer, home: Path, keys: str, *commands: str) -> None:
    words = [word for command in commands for word in ("-e", command)]
    keys = f"push '{keys}<quit>'"
    on_a_terminal("neomutt", "-n", "-F", configured(server, home), "-f", "+INBOX", *words, "-e", keys, home=home)


def test_reads_and_replies(server: MailServer, tmp_path: Path) -> None:
    """Reading sets \\Seen, a reply \\Answered; the reply goes out by submission and a copy of it to Sent."""
    append(server, crlf(message("mutt-question", ALICE, body="how are you?\n")), user=BOB)
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nprintf '.\\nwell\\n' >>\"$1\"\n")
    editor.chmod(0o700)
    keys = "<last-entry><display-message><exit><reply><send-message>"
    in_the_inbox(server, tmp_path, keys, f'set editor="{editor}"', "set fast_reply=yes include=yes")
    (reply,) = about(server, "Re: mutt-question")
    assert b"In-Reply-To: <mutt-question@test>\r\n" in reply
    assert b"\r\n> how are you?\r\n.\r\nwell\r\n" in reply
    assert len(about(server, "Re: mutt-question", BOB, "Sent")) == 1
    with imap(server, BOB) as client:
        client.select("INBOX")
        assert client.search(None, "SEEN", "ANSWERED", "SUBJECT", "mutt-question")[1] != [b""]


def test_makes_a_mailbox_searches_and_takes_a_mail_back(server: MailServer, tmp_path: Path) -> None:
    """A mailbox is made by copying to it; what a search by the server finds is limited to; undeleted is kept."""
    append(server, crlf(message("mutt-blue", body="needle in the text\n")), user=BOB)
    append(server, crlf(message("mutt-red", body="nothing\n")), user=BOB)
    keys = "<limit>=b needle<enter><first-entry><copy-message>=Made/here<enter>"
    keys += "<delete-message><undelete-message>"
    in_the_inbox(server, tmp_path, keys, "set confirmcreate=no")
    assert len(about(server, "mutt-blue", BOB, "Made/here")) == 1
    assert len(about(server, "mutt-blue", BOB)) == len(about(server, "mutt-red", BOB)) == 1


def test_works_in_a_mailbox(server: MailServer, tmp_path: Path) -> None:
    """Keys: delete the first, flag the second, move the third away, quit with what is deleted purged."""
    for number in (1, 2, 3):
        append(server, crlf(message(f"mutt-{number}")), user=BOB)
    keys = "<first-entry><delete-message><first-entry><next-entry><flag-message>"
    in_the_inbox(server, tmp_path, keys + "<last-entry><save-message>=Archive<enter>")
    assert about(server, "mutt-1", BOB) == about(server, "mutt-3", BOB) == []
    assert len(about(server, "mutt-3", BOB, "Archive")) == 1
    with imap(server, BOB) as client:
        client.select("INBOX")
        assert client.search(None, "FLAGGED", "SUBJECT", "mutt-2")[1] == [b"1"]
