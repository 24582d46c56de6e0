"""The way of a report to whom it is for: into a mailbox here, or out by the queue; always with the null reverse-path.

Standing rules: the same key makes no second report; a report that can go nowhere goes to the postmaster, so that
nothing vanishes unseen; a report about a report is never made (whoever makes them sees to that).
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Protocol

from mailserverd.delivery.copies import outcome_of
from mailserverd.delivery.envelope import Remote, Routed
from mailserverd.delivery.local_transport import LocalTransport
from mailserverd.delivery.route import destination_of
from mailserverd.model.errors import NotFound, StoreError
from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from mailserverd.queue.submit import Addressee, Submission
from mailserverd.wire.smtp.path import BadPath, Path, parse_path


class Submits(Protocol):
    """queue/submit."""

    async def submit(self, wanted: Submission) -> Refused | TryLater | None: ...


class Routes(Protocol):
    """delivery/route."""

    def is_local(self, domain: str) -> bool: ...

    async def route(self, path: Path, octets: int) -> Routed | Refused | TryLater: ...


class MailNotices:
    """seconds: the wall clock."""

    def __init__(self, local: LocalTransport, routes: Routes, submits: Submits, seconds: Callable[[], float]) -> None:
        self._local = local
        self._routes = routes
        self._submits = submits
        self._seconds = seconds

    async def notify(self, address: str, message: bytes, key: str) -> Outcome:
        """Delivered once it is durable. Raises nothing."""
        try:
            remote = await self._elsewhere(address)
            if not remote:
                return await self._local.deliver(address, message, key.encode())
            queue_id = f"n{sha256(key.encode()).hexdigest()[:24]}"
            refusal = await self._submits.submit(
                Submission(
                    queue_id=queue_id,
                    sender="",
                    recipients=[Addressee(each.address, each.destination, "NEVER") for each in remote],
                    message=message,
                    now=int(self._seconds()),
                    body="7BIT" if message.isascii() else "8BITMIME",
                    smtputf8=any(not each.address.isascii() for each in remote),
                )
            )
        except Exception as error:
            return outcome_of(error, key)
        return Delivered(f"queue/{queue_id}") if refusal is None else refusal

    async def _elsewhere(self, address: str) -> tuple[Remote, ...]:
        """Where it goes outside this server; () where it is for here, or for nobody."""
        try:
            path, _ = parse_path(f"<{address}>".encode(), 0, forward=True)
        except (BadPath, UnicodeError):
            return ()
        try:
            routed = await self._routes.route(path, 0)
        except (NotFound, StoreError):
            return ()
        if isinstance(routed, Routed):
            return () if routed.accounts else routed.remote
        if path.domain and not self._routes.is_local(path.domain.decode().lower()):
            return (Remote(path.wire.decode(), destination_of(path.domain)),)
        return ()
