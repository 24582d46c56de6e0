"""The next hop that is this server itself: queued mail for a domain of ours goes to its mailboxes, not the network.

Standing rules: whether a domain is ours is asked at each attempt, for it may have become ours, or ceased to be; a copy
has the key of its entry and recipient, so that the same attempt after a crash makes no second one.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

from mailserverd.delivery.copies import Copies, outcome_of
from mailserverd.delivery.route import Router
from mailserverd.interfaces.mail_transport import (
    CannotDowngrade,
    Hop,
    MailConnection,
    MailTransport,
    Outgoing,
    Peer,
    Result,
    Sent,
)
from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from mailserverd.queue.parts import Routing
from mailserverd.wire.smtp.path import BadPath, parse_path

LOCAL = "local"


class LocalRouting:
    """Routing with our own domains before all others."""

    def __init__(self, others: Routing, is_local: Callable[[str], bool], hostname: str) -> None:
        self._others = others
        self._is_local = is_local
        self._hop = Hop(LOCAL, hostname, "127.0.0.1", 0, hostname)
        self.connected = others.connected
        self.failed = others.failed
        self.forget = others.forget

    async def hops(self, destination: str, require_tls: bool) -> Sequence[Hop] | Refused | TryLater:
        if self._is_local(destination):
            return (self._hop,)
        return await self._others.hops(destination, require_tls)


class WithLocal:
    """A MailTransport that knows the hop to ourselves. seconds: the wall clock."""

    def __init__(self, others: MailTransport, router: Router, copies: Copies, seconds: Callable[[], float]) -> None:
        self._others = others
        self._router = router
        self._copies = copies
        self._seconds = seconds

    async def connect(self, hop: Hop) -> MailConnection:
        if hop.protocol != LOCAL:
            return await self._others.connect(hop)
        return LocalConnection(hop, self._router, self._copies, self._seconds)


class LocalConnection:
    """One message after the other into mailboxes."""

    def __init__(self, hop: Hop, router: Router, copies: Copies, seconds: Callable[[], float]) -> None:
        self.peer = Peer(hop.host, verified=True, extensions=frozenset(("REQUIRETLS",)))
        self._router = router
        self._copies = copies
        self._seconds = seconds

    async def send(self, message: Outgoing) -> Sent:
        try:
            octets = await message.prepare(message.body)
            head = b"Return-Path: <%b>\r\n" % message.sender.encode()
            scanned = await self._copies.prepare(head + octets)
        except CannotDowngrade as error:
            return Sent([self._result(Refused("5.6.3", str(error))) for _ in message.recipients])
        except Exception as error:
            return Sent([self._result(outcome_of(error, "")) for _ in message.recipients])
        unique = sha256(head + octets).hexdigest()[:24]
        return Sent([self._result(await self._one(each.address, scanned, unique)) for each in message.recipients])

    async def _one(self, address: str, scanned: object, unique: str) -> Outcome:
        try:
            path, _ = parse_path(f"<{address}>".encode(), 0, forward=True)
            routed = await self._router.route(path, 0)
            if isinstance(routed, (Refused, TryLater)):
                return routed
            now = int(self._seconds())
            for account in routed.accounts:
                key = f"l{unique}/{account.account_id:x}".encode()
                await self._copies.deliver(account.account_id, scanned, key, now)  # type: ignore[arg-type]
        except BadPath as error:
            return Refused("5.1.3", str(error))
        except Exception as error:
            return outcome_of(error, "")
        return Delivered("here")

    def _result(self, outcome: Outcome) -> Result:
        said = "delivered to the mailbox" if isinstance(outcome, Delivered) else f"{outcome.status} {outcome.why}"
        return Result(outcome, 0, said)

    def idle(self) -> bool:
        return True

    async def close(self) -> None:
        """There is nothing to close."""

    def abort(self) -> None:
        """There is nothing to abort."""
