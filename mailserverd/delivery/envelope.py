"""The envelope of a message and where its recipients' mail goes.

Standing rule: made by a protocol at the end of a message, never changed afterwards.
"""

from typing import NamedTuple

from mailserverd.model.account import Account


class Routed(NamedTuple):
    """One RCPT that was accepted. address: as it came, without angle brackets; accounts: each once, at least one."""

    address: bytes
    accounts: tuple[Account, ...]


class Envelope(NamedTuple):
    """door: "smtp", "submission" or "lmtp". received: the Received line up to its id (trace_headers.received_start).

    apart: each recipient is answered on its own (LMTP), so that only copies of one recipient share a fate.
    """

    door: str
    session: str
    queue_id: str
    reverse_path: bytes
    recipients: tuple[Routed, ...]
    received: bytes
    apart: bool = False
