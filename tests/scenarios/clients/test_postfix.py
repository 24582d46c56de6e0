"""Postfix relays into us, by SMTP in the clear and over TLS, and by LMTP: every message arrives once, every octet."""

import os
import smtplib
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.scenarios.clients.house import ALICE, BOB, about, certificate, crlf, message, needs
from tests.scenarios.clients.postfix import Postfix
from tests.scenarios.server import MailServer, until

pytestmark = [needs("postfix"), pytest.mark.skipif(os.geteuid() != 0, reason="Postfix is started by root alone")]
SENDER = "x@elsewhere.test"
ARRIVAL_SECONDS = 60
WAYS = {"smtp": ("smtp:[127.0.0.1]:{smtp}", "none"), "tls": ("smtp:[localhost]:{smtp}", "verify"),
        "lmtp": ("lmtp:inet:127.0.0.1:{lmtp}", "none")}  # fmt: skip


def relay(server: MailServer, way: str) -> Postfix:
    transport, tls = WAYS[way]
    ports = {name: server.port(name) for name in ("smtp", "lmtp")}
    return Postfix(transport.format(**ports), certificate(server), tls)


def submit(postfix: Postfix, octets: bytes, recipients: Sequence[str]) -> None:
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=30) as client:
        client.sendmail(SENDER, list(recipients), octets, mail_options=["BODY=8BITMIME"])


def logged(postfix: Postfix, what: str, times: int) -> None:
    def is_there() -> bool:
        log = postfix.log()
        assert "dsn=5.4.4" not in log, log  # it cannot find us
        return log.count(what) >= times

    until(is_there, ARRIVAL_SECONDS)


@pytest.mark.parametrize("way", ["smtp", *(pytest.param(way, marks=pytest.mark.slow) for way in ("tls", "lmtp"))])
def test_relayed_in(server: MailServer, way: str, tmp_path: Path) -> None:
    bodies = [".\n..\n.x\n", "grüße\n" * 30, "x" * 980 + "\n", "\n" * 50, "last\n" * 20_000]
    sent = [crlf(message(f"{way}-{n}", body=body)) for n, body in enumerate(bodies)]
    with relay(server, way) as postfix:
        for each in sent:
            submit(postfix, each, [ALICE, BOB])
        logged(postfix, "status=sent", 2 * len(sent))
        assert "status=deferred" not in postfix.log()
        log = postfix.log()
    for number, each in enumerate(sent):
        for user in (ALICE, BOB):
            (came,) = about(server, f"{way}-{number}", user)
            assert came.startswith(b"Return-Path: <x@elsewhere.test>\r\nReceived: from relay.test (")
            assert came.partition(b"\r\n\r\n")[2] == each.partition(b"\r\n\r\n")[2]
            keyword = {"smtp": b"with ESMTP\r\n", "tls": b"with ESMTPS\r\n", "lmtp": b"with LMTP\r\n"}[way]
            assert keyword in came
    assert ("Verified TLS connection" in log) or way != "tls"


@pytest.mark.slow
def test_what_we_refuse_is_bounced_by_the_relay(server: MailServer) -> None:
    with relay(server, "smtp") as postfix:
        submit(postfix, crlf(message("refused")), ["nobody@example.org", ALICE])
        logged(postfix, "status=bounced (host 127.0.0.1[127.0.0.1] said: 550 5.1.1", 1)
        logged(postfix, "status=sent", 1)
    assert len(about(server, "refused")) == 1
