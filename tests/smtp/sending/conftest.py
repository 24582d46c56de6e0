"""A client with a real reactor, for peers on loopback."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import succeed
from twisted.protocols import tls

from mailserverd.interfaces.mail_transport import Hop, TlsRule
from mailserverd.smtp.sending.connection import SmtpConnection
from mailserverd.smtp.sending.tls import ClientTls
from mailserverd.smtp.sending.transport import SmtpTransport
from tests.nameserver.real import RealReactor
from tests.smtp.sending.certificates import root
from tests.smtp.sending.stage import TIMEOUTS
from tests.smtp.sending.tls_peer import TlsPeer


@pytest.fixture
def reactor(monkeypatch: pytest.MonkeyPatch) -> Iterator[RealReactor]:
    made = RealReactor()
    monkeypatch.setattr(tls, "_get_default_clock", lambda: made)
    monkeypatch.setattr(TlsPeer, "turn", staticmethod(made.turn), raising=False)
    yield made
    made.end()


Connect = Callable[..., SmtpConnection]


@pytest.fixture
def connect(reactor: RealReactor, tmp_path: Path) -> Connect:
    """Connect to a port; raises HopFailed."""
    authorities = root().write(tmp_path)
    in_thread = lambda function, *given: succeed(function(*given))  # noqa: E731
    transport = SmtpTransport(reactor, lambda: TIMEOUTS, ClientTls(authorities), os.urandom, in_thread)

    def connect(port: int, need: str = "may", protocol: str = "smtp", host: str = "mx.example", **given: Any) -> Any:
        credentials = given.pop("credentials", None)
        rule = TlsRule(need, **given)
        hop = Hop(protocol, host, "127.0.0.1", port, "me.example", "", rule, credentials)
        return reactor.run_until(transport.connect(hop))

    return connect
