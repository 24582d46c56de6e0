"""Which message of ours a report is about, and which of its recipients.

Standing rules: a report is anybody's word, so it counts only for a recipient of a message that really went out, named
by a return path that we signed, or by an envelope id or Message-ID that only its recipients saw; and it counts once.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mailserverd.interfaces.sent_messages import SentMessages
from mailserverd.model.reputation import SentMessage
from mailserverd.queue.signed_address import Place


class Matched(NamedTuple):
    message: SentMessage
    position: int
    address: str


class Matching:
    """place: of a return path (queue/verp)."""

    def __init__(self, sent: SentMessages, place: Callable[[str], Place | None]) -> None:
        self._sent = sent
        self._place = place

    async def by_path(self, paths: Sequence[str]) -> Matched | None:
        """The first of these addresses that is a return path of a message that is still known."""
        for path in paths:
            place = self._place(path)
            message = await self._sent.sent(place.queue_id) if place is not None else None
            if place is not None and message is not None:
                address = await self._sent.recipient(place.queue_id, place.position)
                if address is not None:
                    return Matched(message, place.position, address)
        return None

    async def message(self, envelope_id: str, message_id: str) -> SentMessage | None:
        """envelope_id: as the report has it, for a sender that gave one (RFC 3464 §2.2.1)."""
        found = await self._sent.by_envelope_id(envelope_id) if envelope_id else None
        if found is None and message_id:
            found = await self._sent.by_message_id(message_id)
        return found

    async def recipient(self, message: SentMessage, addresses: Sequence[str]) -> Matched | None:
        """The first of the addresses that the message went to; where it went to one alone, that one."""
        for address in addresses:
            position = await self._sent.position(message.queue_id, address) if address else None
            if position is not None:
                return Matched(message, position, address)
        if message.recipients == 1:
            only = await self._sent.recipient(message.queue_id, 0)
            if only is not None:
                return Matched(message, 0, only)
        return None

    async def first(self, matched: Matched, kind: str) -> bool:
        """Whether nothing of this kind was reported of the recipient before."""
        return await self._sent.first_report(matched.message.queue_id, matched.position, kind)
