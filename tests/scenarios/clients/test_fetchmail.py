"""fetchmail takes mail by POP3 and IMAP, over TLS from the first octet and after STLS or STARTTLS; keeps or deletes."""

from pathlib import Path

import pytest

from tests.scenarios.clients.house import BOB, PASSWORD, append, bodies, certificate, crlf, message, needs, run
from tests.scenarios.server import MailServer

pytestmark = needs("fetchmail")
NOTHING_NEW = 1
WAYS = {"pop3s": "ssl", "pop3": "sslproto TLS1.2+", "imaps": "ssl", "imap": "sslproto TLS1.2+"}


def fetchmail(server: MailServer, home: Path, listener: str, *options: str, ok: tuple[int, ...] = (0,)) -> list[bytes]:
    """The messages that it took, with CRLF."""
    taken = home / "taken"
    taken.mkdir(exist_ok=True)
    deliver = home / "deliver"
    deliver.write_text(f"#!/bin/sh\nexec cat >{taken}/$$.eml\n")
    deliver.chmod(0o700)
    file = home / "fetchmailrc"
    protocol = "POP3" if listener.startswith("pop3") else "IMAP"
    uidl = "uidl" if protocol == "POP3" else ""
    file.write_text(
        f"set no bouncemail\npoll localhost protocol {protocol} service {server.port(listener)} {uidl}\n"
        f'user "{BOB}" password "{PASSWORD}" {WAYS[listener]} sslcertck sslcertfile "{certificate(server)}"\n'
        f'norewrite mda "{deliver}" {" ".join(options)}\n'
    )
    file.chmod(0o600)
    run("fetchmail", "-f", file, "--nosyslog", "--invisible", home=home, ok=ok)
    found = sorted(crlf(each.read_bytes()) for each in taken.iterdir())
    for each in taken.iterdir():
        each.unlink()
    return found


def body(octets: bytes) -> bytes:
    return octets.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("listener", list(WAYS))
def test_keeps_then_deletes(server: MailServer, tmp_path: Path, listener: str) -> None:
    sent = [crlf(message(f"{listener}-{n}", body=f".\n..dots {n}\n" + "x" * 900 + "\n")) for n in range(3)]
    for each in sent:
        append(server, each, user=BOB)
    taken = fetchmail(server, tmp_path, listener, "keep", "fetchall" if listener.startswith("imap") else "")
    assert [body(each) for each in taken] == [body(each) for each in sent]
    for number, each in enumerate(taken):
        assert f"Subject: {listener}-{number}\r\n".encode() in each
    assert fetchmail(server, tmp_path, listener, "keep", ok=(NOTHING_NEW,)) == []  # UIDs and \Seen say what is new
    assert len(bodies(server, BOB)) == 3
    append(server, crlf(message("last", body="last\n")), user=BOB)
    assert len(fetchmail(server, tmp_path, listener, "nokeep", "fetchall")) == 4
    assert bodies(server, BOB) == []
