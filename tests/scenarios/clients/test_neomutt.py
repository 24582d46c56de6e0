"""neomutt sends through submission in batch mode, and works in a mailbox by keys on a terminal."""

import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path
from threading import Timer

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


def on_a_terminal(*command: str | Path, home: Path) -> str:
    """Run it as a person would; what it showed. It must end by itself."""
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
    text = shown.decode("utf-8", "replace")
    assert status == 0, text
    return text


def test_sends_in_batch_mode(server: MailServer, tmp_path: Path) -> None:
    attached = tmp_path / "attached.txt"
    attached.write_text("attached\n.\n")
    rc = configured(server, tmp_path)
    words = ("neomutt", "-n", "-F", rc, "-s", "neomutt sends", "-a", attached, "--", ALICE)
    run(*words, home=tmp_path, input=b".\nbody\n")
    (came,) = about(server, "neomutt sends")
    assert b"\r\n\r\n.\r\nbody\r\n" in came
    assert b"attached\r\n.\r\n" in came


def test_works_in_a_mailbox(server: MailServer, tmp_path: Path) -> None:
    """Keys: delete the first, flag the second, move the third away, quit with what is deleted purged."""
    for number in (1, 2, 3):
        append(server, crlf(message(f"mutt-{number}")), user=BOB)
    keys = "push '<first-entry><delete-message><first-entry><next-entry><flag-message>"
    keys += "<last-entry><save-message>=Archive<enter><quit>'"
    on_a_terminal("neomutt", "-n", "-F", configured(server, tmp_path), "-f", "+INBOX", "-e", keys, home=tmp_path)
    assert about(server, "mutt-1", BOB) == about(server, "mutt-3", BOB) == []
    assert len(about(server, "mutt-3", BOB, "Archive")) == 1
    with imap(server, BOB) as client:
        client.select("INBOX")
        assert client.search(None, "FLAGGED", "SUBJECT", "mutt-2")[1] == [b"1"]
