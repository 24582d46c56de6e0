"""Connections that never become sessions: TLS that is not begun, not finished, or broken; single octets; silence."""

import re
import select
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.scenarios.hostile.bystander import PASSWORD, USER, Bystander
from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer, until

LISTENERS = ("imap", "imaps", "smtp", "submission", "submissions", "lmtp")
LOGIN_SECONDS = 2
CLIENTS = 40
HALF_A_HELLO = bytes.fromhex("16030100ff010000fb0303") + b"r" * 100
FIRST_OCTETS = {
    "silence": b"",
    "half a hello": HALF_A_HELLO,
    "a record of 16 KiB that does not come": bytes.fromhex("1603014000"),
    "no TLS at all": b"GET / HTTP/1.0\r\n\r\n",
    "an alert": bytes.fromhex("15030100020228"),
    "SSL 2": bytes.fromhex("802e0100020015000000100100800200800300800400800500800600800700c0") + b"c" * 16,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {
        "login": {"insecure_login_networks": ["127.0.0.0/8"]},
        "limits": {"stalled_client_seconds": LOGIN_SECONDS},
        "imap": {"login_timeout_seconds": LOGIN_SECONDS},
        "smtp": {"command_timeout_seconds": LOGIN_SECONDS},
        "submission": {"command_timeout_seconds": LOGIN_SECONDS},
        "lmtp": {"command_timeout_seconds": LOGIN_SECONDS},
    }
    accounts = {"anna@example.org": PASSWORD, USER: PASSWORD}
    with MailServer(tmp_path_factory.mktemp("half"), accounts, settings) as running:
        yield running
        assert not [line for line in running.output if " error " in line or "Traceback" in line]


def counted(server: MailServer, listener: str) -> int:
    """Connections, as the server counts them itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port('metrics')}/metrics") as answer:
        text = answer.read().decode()
    found = re.search(rf'^mailserverd_connections_open{{listener="{listener}"}} (\S+)$', text, re.MULTILINE)
    return int(float(found[1])) if found is not None else 0


@pytest.mark.parametrize("name", FIRST_OCTETS)
@pytest.mark.parametrize("listener", ["imaps", "submissions", "pop3s"])
def test_tls_that_is_not_finished(server: MailServer, listener: str, name: str) -> None:
    """Where login takes too long (POP3: ten minutes) or the octets are none of TLS the connection ends."""
    with Bystander(server) as bystander:
        talks = [Conversation(server, listener, tls=False) for _ in range(CLIENTS)]
        for talk in talks:
            talk.send(FIRST_OCTETS[name])
        until(lambda: counted(server, listener) == CLIENTS or FIRST_OCTETS[name] not in (b"", HALF_A_HELLO))
        if listener == "pop3s":
            for talk in talks:
                talk.close()
        until(lambda: counted(server, listener) == 0, LOGIN_SECONDS * 5)
        for talk in talks:
            talk.close()
    bystander.was_served()
    bystander.held_octets_below(16 << 20)


@pytest.mark.parametrize("listener", LISTENERS)
def test_single_octets_lengthen_nothing(server: MailServer, listener: str) -> None:
    began = time.monotonic()
    with Conversation(server, listener) as talk:
        talk.until(b"* OK", b"220 ")
        for octet in b"a LOGIN anna secretsecretsecretsecretsecret":
            try:
                talk.send(bytes([octet]))
            except OSError:
                break
            if select.select([talk.socket], [], [], 0.2)[0]:  # the goodbye
                break
        assert talk.rest().startswith((b"* BYE", b"421 ", b""))
    assert LOGIN_SECONDS - 1 < time.monotonic() - began < LOGIN_SECONDS * 4


@pytest.mark.parametrize(
    ("listener", "command", "answer"),
    [
        ("imap", b"a STARTTLS", b"a OK"),
        ("smtp", b"STARTTLS", b"220 2.0.0"),
    ],
)
@pytest.mark.parametrize("name", FIRST_OCTETS)
def test_starttls_that_is_not_finished(
    server: MailServer, listener: str, command: bytes, answer: bytes, name: str
) -> None:
    with Conversation(server, listener) as talk:
        talk.until(b"* OK", b"220 ")
        if listener == "smtp":
            talk.ask(b"EHLO me", b"250 ")
        talk.ask(command, answer)
        talk.send(FIRST_OCTETS[name])
        assert b"ready" not in talk.rest()
    until(lambda: counted(server, listener) == 0)
