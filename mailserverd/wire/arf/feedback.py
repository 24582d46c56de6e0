"""A feedback report that comes in (RFC 5965): who complained, of which mail.

Standing rules: those of dsn/incoming.
"""

from dataclasses import dataclass

from mailserverd.wire.dsn.report_parts import (
    Fields,
    field_blocks,
    first,
    message_id_of,
    report_parts,
    typed_address,
)

MAX_RECIPIENTS = 100
_KINDS = frozenset({b"feedback-report"})


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """kind: "abuse", "fraud", "virus", "other", "not-spam", "opt-out", "auth-failure" (RFC 5965 §7.3, RFC 6430, 6591).

    recipients: the addresses that we sent to, where they are said; sender: the return path that we used, or ""
    """

    kind: str
    recipients: tuple[str, ...]
    sender: str
    message_id: str

    @property
    def complains(self) -> bool:
        return self.kind in {"abuse", "fraud", "virus", "other"}


def read_feedback(octets: bytes) -> FeedbackReport | None:
    """None: the message is no feedback report."""
    parts = report_parts(octets, _KINDS)
    if not parts.kind:
        return None
    fields: Fields = [field for block in field_blocks(parts.fields) for field in block]
    kind = first(fields, "feedback-type").lower()
    if not kind:  # RFC 5965 §3.1: it has to be there
        return None
    recipients = [typed_address(value) for name, value in fields if name == "original-rcpt-to"]
    return FeedbackReport(
        kind,
        tuple(dict.fromkeys(each for each in recipients if each))[:MAX_RECIPIENTS],
        typed_address(first(fields, "original-mail-from")),
        message_id_of(parts.returned),
    )
