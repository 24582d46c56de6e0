"""Return paths of their own for each recipient (VERP), so that a bounce names what it is about whatever it says.

Standing rules: the same recipient of the same message has the same path at every attempt and after every restart; it is
in the domain of the sender, so that SPF and DMARC see one domain; only what has a sender gets one.
"""

from collections.abc import Callable

from mailserverd.config.outbound import MailClass, Outbound
from mailserverd.model.address import canonical_domain
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry
from mailserverd.queue.signed_address import Place, signed, unsigned

PREFIX = "bounce"
_NO_CLASS = MailClass()


class ReturnPaths:
    """secret: Directory.server_secret("verp"). is_local: whether a domain is ours, so that bounces come back here."""

    def __init__(self, secret: bytes, settings: Callable[[], Outbound], is_local: Callable[[str], bool]) -> None:
        self._secret = secret
        self._settings = settings
        self._is_local = is_local

    def applies(self, entry: QueueEntry) -> bool:
        if not self._settings().classes.get(entry.mail_class, _NO_CLASS).verp:
            return False
        return entry.account_id is not None and self._is_local(canonical_domain(entry.sender.rpartition("@")[2]))

    def path(self, entry: QueueEntry, recipient: QueuedRecipient) -> str:
        """Where it applies."""
        local = signed(self._secret, PREFIX, Place(entry.queue_id, recipient.position))
        return f"{local}@{entry.sender.rpartition('@')[2]}"

    def place(self, address: str) -> Place | None:
        """Which recipient of which message the path was made for; None: it is none of ours."""
        local, _, domain = address.rpartition("@")
        if not local.lower().startswith(PREFIX + "-") or not self._is_local(canonical_domain(domain)):
            return None
        return unsigned(self._secret, PREFIX, local)
