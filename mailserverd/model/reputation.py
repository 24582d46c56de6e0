"""What is known of addresses, accounts and our own IPs as far as sending goes.

Standing rules: times are whole seconds since the epoch; an address stands in its canonical form (model/address.py).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from mailserverd.model.identifiers import AccountId


class Reason(StrEnum):
    """Why an address is suppressed."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCES = "soft_bounces"
    COMPLAINT = "complaint"
    UNSUBSCRIBED = "unsubscribed"
    BY_HAND = "by_hand"


EVERYBODY = ""


def account_scope(account_id: AccountId | None, mail_class: str = "") -> str:
    """The scope of one account's mail, or of one class of it; EVERYBODY for the server itself."""
    if account_id is None:
        return EVERYBODY
    return f"{account_id}/{mail_class}" if mail_class else str(account_id)


@dataclass(frozen=True, slots=True)
class Suppression:
    """Nothing is sent to `address`, or, where `allowed`, everything is, whatever is reported of it (an override).

    scope    whose mail it is about: EVERYBODY, or account_scope()
    expires  0: never
    detail   the reply or the report that it comes from, one line
    """

    address: str
    reason: Reason
    since: int
    expires: int = 0
    scope: str = EVERYBODY
    detail: str = ""
    allowed: bool = False

    def holds(self, now: int) -> bool:
        return not self.expires or now < self.expires


@dataclass(frozen=True, slots=True)
class Suspension:
    """An account that may not send. by: "rates", or who did it by hand. told: owner and administrator were."""

    account_id: AccountId
    since: int
    why: str
    by: str
    told: bool = False


@dataclass(frozen=True, slots=True)
class Rest:
    """One of our addresses is not used towards one provider until then."""

    source: str
    provider: str
    until: int
    why: str


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How far an address has come. first: the time of its first use; day: 0 is the first; sent: recipients that day."""

    source: str
    first: int
    day: int
    sent: int


class Meter(NamedTuple):
    """Something that is counted over a sliding time: `buckets` times `bucket_seconds`. name: stored, never changed."""

    name: str
    bucket_seconds: int
    buckets: int


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What is kept of a message after it left, so that a report on it can be matched. envid: as the sender gave it."""

    queue_id: str
    account_id: AccountId | None
    sender: str
    mail_class: str
    message_id: str
    created: int
    recipients: int
    envid: str = ""
