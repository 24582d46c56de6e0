"""kill -9 in the middle of deliveries: nothing that was accepted is lost, and little goes twice."""

import re
import smtplib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.nameserver.server import Nameserver
from tests.nameserver.zones import Zones
from tests.scenarios.outbound.peer import Peer, Session
from tests.scenarios.server import MailServer, free_port, until

MESSAGES = 600
KILLS_AT = (90, 250, 420)
MOST_DOUBLES_A_KILL = 16  # docs/operating.md
_NUMBER = re.compile(rb"(?m)^Message-ID: <(\d+)@load\.example>\r$")


def submit(port: int, numbers: range) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.login("anna@example.org", "secret of anna")
        for number in numbers:
            body = f"Subject: load\r\nMessage-ID: <{number}@load.example>\r\n\r\n" + "text of it\r\n" * 300
            client.sendmail("anna@example.org", [f"u{number}@a.example"], body)


def refusing(verb: str, argument: str, session: Session) -> str | None:
    return "421 4.3.2 not now" if verb == "CONNECT" else None


@pytest.mark.slow
def test_nothing_is_lost_and_little_goes_twice(tmp_path: Path) -> None:
    port = free_port()
    settings = {
        "login": {"insecure_login_networks": ["127.0.0.0/8"]},
        "limits": {"exempt_networks": ["127.0.0.0/8"]},
        "outbound": {
            "remote_port": port, "retry_seconds": [1, 2],
            "account_messages_per_hour": 0, "account_new_recipients_per_day": 0,
        },
    }  # fmt: skip
    zones = Zones("a.example MX 10 mx.a.example", "mx.a.example A 127.0.0.3")
    with Nameserver(zones) as nameserver, Peer("127.0.0.3", port) as peer:
        settings["dns"] = {"nameservers": [nameserver.address]}
        with MailServer(tmp_path, {"anna@example.org": "secret of anna"}, settings) as server:
            peer.answer = refusing
            with ThreadPoolExecutor(6) as pool:
                parts = [range(start, start + MESSAGES // 6) for start in range(0, MESSAGES, MESSAGES // 6)]
                list(pool.map(lambda part: submit(server.port("submission"), part), parts))
            peer.answer = lambda verb, argument, session: None
            server.cli("queue", "flush")
            for at in KILLS_AT:
                until(more_than(peer, at), 60)
                server.kill()
                server.start()
                server.cli("queue", "flush")
            until(lambda: len(numbers(peer)) == MESSAGES, 60)
            until(lambda: server.cli("queue", "status", "--json").stdout.strip() == "[]")
            counted = Counter(number for each in peer.taken for number in _NUMBER.findall(each.octets))
    assert len(counted) == MESSAGES
    assert sum(times - 1 for times in counted.values()) <= MOST_DOUBLES_A_KILL * len(KILLS_AT)
    assert peer.most_open <= 10


def more_than(peer: Peer, at: int) -> Callable[[], bool]:
    return lambda: len(peer.taken) > at


def numbers(peer: Peer) -> set[bytes]:
    return {number for each in list(peer.taken) for number in _NUMBER.findall(each.octets)}
