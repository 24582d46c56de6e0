"""A delivery status notification that comes in (RFC 3464, RFC 6533): what became of which recipient, and of which mail.

Standing rules: never raises; what is not said is "", nothing is guessed here but the code in an answer that no machine
wrote. A notification is anybody's word: whoever uses it matches it to something that was really sent.
"""

import re
from dataclasses import dataclass

from mailserverd.wire.dsn.report_parts import (
    Fields,
    field_blocks,
    first,
    message_id_of,
    report_parts,
    typed_address,
)

MAX_RECIPIENTS = 1_000
_KINDS = frozenset({b"delivery-status", b"global-delivery-status"})
_status = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b").search
_code = re.compile(r"(?<![\d.])([245]\d\d)(?=[ \-#:])").search


@dataclass(frozen=True, slots=True)
class Reported:
    """One recipient. action: "failed", "delayed", "delivered", "relayed", "expanded". status: "5.1.1", or "".

    original: the address that we sent to, where it is said. diagnostic: the reply that the reporting server met.
    """

    final: str
    original: str
    action: str
    status: str
    diagnostic: str

    @property
    def code(self) -> int:
        """Of the reply in the diagnostic text; else as the status class says."""
        found = _code(self.diagnostic)
        if found is not None:
            return int(found[1])
        return {"4": 450, "5": 550}.get(self.status[:1], 0)


@dataclass(frozen=True, slots=True)
class IncomingReport:
    """recipients: empty where no machine's part could be read. words: what is written for people, the beginning."""

    recipients: tuple[Reported, ...]
    envelope_id: str
    message_id: str
    words: str


def read_report(octets: bytes) -> IncomingReport:
    """Of any message: one that is no report has no recipients."""
    parts = report_parts(octets, _KINDS)
    blocks = field_blocks(parts.fields)
    recipients = tuple(found for found in map(_reported, blocks[: MAX_RECIPIENTS + 1]) if found is not None)
    envelope_id = next((value for block in blocks[:1] if (value := first(block, "original-envelope-id"))), "")
    return IncomingReport(recipients, envelope_id[:200], message_id_of(parts.returned), parts.words)


def _reported(block: Fields) -> Reported | None:
    """RFC 3464 §2.3; None for the block about the message."""
    final, original = first(block, "final-recipient"), first(block, "original-recipient")
    action = first(block, "action").partition(" ")[0].lower()
    if not action or not (final or original):
        return None
    status = _status(first(block, "status"))
    diagnostic = first(block, "diagnostic-code")
    kind, semicolon, rest = diagnostic.partition(";")
    if semicolon and " " not in kind.strip():
        diagnostic = rest.strip()
    return Reported(
        typed_address(final), typed_address(original), action, status[1] if status else "", diagnostic[:1000]
    )


def guessed(words: str) -> Reported | None:
    """A bounce that only people can read: the first reply that is quoted in it. None where none is."""
    text = " ".join(words.split())
    code, status = _code(text), _status(text)
    found = code or status
    if found is None:
        return None
    diagnostic = text[found.start() : found.start() + 500]
    return Reported("", "", "failed", status[1] if status else "", diagnostic)
