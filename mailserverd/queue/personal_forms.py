"""What each recipient gets of its own: a return path, a way to unsubscribe. The Preparation around the one that signs.

Standing rules: what is added here is added before the signature, so that it is signed (RFC 8058 §4); the reverse-path
and the fields are the same at every attempt; what has neither goes through untouched.
"""

from collections.abc import Sequence

from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry
from mailserverd.queue.parts import Preparation
from mailserverd.queue.unsubscribe import Unsubscribe, has_field
from mailserverd.queue.verp import ReturnPaths
from mailserverd.wire.mime.headers import find_header_end

_TRACE_FIELDS = (b"received:", b"return-path:", b" ", b"\t")


class PersonalForms:
    """inner: what is done to all mail."""

    def __init__(self, paths: ReturnPaths, unsubscribe: Unsubscribe, inner: Preparation) -> None:
        self._paths = paths
        self._unsubscribe = unsubscribe
        self._inner = inner

    def alone(self, entry: QueueEntry) -> bool:
        return self._paths.applies(entry) or self._unsubscribe.applies(entry) or self._inner.alone(entry)

    def sender(self, entry: QueueEntry, recipient: QueuedRecipient) -> str:
        if self._paths.applies(entry):
            return self._paths.path(entry, recipient)
        return self._inner.sender(entry, recipient)

    async def prepare(self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], body: bytes, form: str) -> bytes:
        if len(recipients) == 1 and self._unsubscribe.applies(entry):
            body = with_fields(body, self._unsubscribe.fields(entry, recipients[0]))
        return await self._inner.prepare(entry, recipients, body, form)


def with_fields(message: bytes, fields: bytes) -> bytes:
    """With the fields below the trace fields on top (RFC 5322 §3.6.7: those stay together), unless it has them."""
    end = find_header_end(message, 0, len(message))
    header = message[:end] if end >= 0 else message
    if has_field(header):
        return message
    at = 0
    while header[at : at + 12].lower().startswith(_TRACE_FIELDS):
        line_end = header.find(b"\n", at)
        if line_end < 0:
            return fields + message
        at = line_end + 1
    return message[:at] + fields + message[at:]
