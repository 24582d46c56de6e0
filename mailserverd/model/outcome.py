"""Outcome: one vocabulary from a store failure to an SMTP reply, a DSN and a metric label."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivered:
    """It is durably where it belongs: `where`, for the trail of the message, such as "INBOX/17"."""

    where: str = ""


@dataclass(frozen=True, slots=True)
class TryLater:
    """Not now. `status` is an enhanced status code 4.x.x (RFC 3463), `why` a line for a person."""

    status: str
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Never. `status` is an enhanced status code 5.x.x (RFC 3463), `why` a line for a person."""

    status: str
    why: str


Outcome = Delivered | TryLater | Refused
