"""Delivery of a message that this server made itself (a bounce) to its own mailboxes.

Standing rule: a sender elsewhere cannot be reached, so the postmaster gets what was meant for it.
"""

from collections.abc import Callable

from mailserverd.delivery.copies import DELIVERED, Copies, outcome_of
from mailserverd.delivery.queue_id import QueueIds, delivery_key
from mailserverd.delivery.route import UNAVAILABLE, Router
from mailserverd.model.account import Account
from mailserverd.model.errors import StoreError
from mailserverd.model.outcome import Outcome
from mailserverd.wire.smtp.path import BadPath, parse_path


class LocalTransport:
    """seconds: the wall clock."""

    def __init__(self, copies: Copies, router: Router, queue_ids: QueueIds, seconds: Callable[[], float]) -> None:
        self._copies = copies
        self._router = router
        self._queue_ids = queue_ids
        self._seconds = seconds

    async def deliver(self, address: str, message: bytes, key: bytes | None = None) -> Outcome:
        """To the accounts of `address`, else to the postmaster. The message goes with the null reverse-path.

        key: makes a second call with the same key do nothing. Raises nothing.
        """
        queue_id = self._queue_ids.next()
        try:
            accounts = await self._accounts(address)
            if not accounts:
                return UNAVAILABLE
            scanned = await self._copies.prepare(b"Return-Path: <>\r\n" + message)
            for account in accounts:
                one = key + b"/%x" % account.account_id if key else delivery_key(queue_id, account.account_id)
                await self._copies.deliver(account.account_id, scanned, one, int(self._seconds()))
        except Exception as error:
            return outcome_of(error, queue_id)
        return DELIVERED

    async def _accounts(self, address: str) -> tuple[Account, ...]:
        try:
            path, _ = parse_path(f"<{address}>".encode(), 0, forward=True)
            routed = await self._router.route(path, 0)
            if hasattr(routed, "accounts"):
                return routed.accounts
        except (BadPath, StoreError):
            pass
        postmaster = await self._router.postmaster_account()
        return (postmaster,) if postmaster is not None else ()
