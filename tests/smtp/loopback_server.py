"""A real SMTP listener on loopback over the stand-ins of doubles.py.

Prints its ports, and a line for each delivery; leaves what was delivered in a file.

Run as a program by test_loopback.py, for TLS wants the process's own reactor.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.protocols.tls import TLSMemoryBIOFactory

from mailserverd.accounts.login import LoginFailure, Peer, Refusal
from mailserverd.assembly.self_signed import write_self_signed
from mailserverd.assembly.tls import ServerTls
from mailserverd.config.schema import Tls
from mailserverd.smtp.factory import SmtpFactory
from tests.smtp.doubles import HOSTNAME, FakeAuthenticator, House

reactor: Any = _reactor


class BoundAuthenticator(FakeAuthenticator):
    """Admits nobody whose channel has no binding."""

    def sasl(self, mechanism: str, channel: Any, peer: Peer) -> Any:
        begun = super().sasl(mechanism, channel, peer)
        if not isinstance(begun, LoginFailure) and (channel is None or not channel("tls-server-end-point")):
            return LoginFailure(Refusal.UNAVAILABLE)
        return begun


def main(folder: Path) -> None:
    write_self_signed(folder / "c.pem", folder / "k.pem", HOSTNAME)
    house = House(folder, limits={"exempt_networks": ["127.0.0.0/8"]})
    tls = ServerTls(Tls.model_validate({"certificate": str(folder / "c.pem"), "private_key": str(folder / "k.pem")}))
    house.authenticator = BoundAuthenticator({b"AGFubmEAc2VjcmV0": house.anna})
    services = replace(house.services(), tls=tls, clock=reactor)
    ports = []
    for listener in ("smtp", "submission", "submissions", "lmtp"):
        factory: Any = SmtpFactory(services, house.config, listener)
        if listener == "submissions":
            factory = TLSMemoryBIOFactory(tls, False, factory)
        ports.append(reactor.listenTCP(0, factory, interface="127.0.0.1").getHost().port)
    print(*ports, flush=True)
    deliver = house.copies.deliver

    async def told(account_id: Any, scanned: Any, key: bytes, internal_date: int, first: bool = False) -> None:
        await deliver(account_id, scanned, key, internal_date)
        (folder / "delivered").write_bytes(scanned.octets)
        print("delivered", flush=True)

    house.copies.deliver = told  # type: ignore[method-assign]
    reactor.run()


main(Path(sys.argv[1]))
