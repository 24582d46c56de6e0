"""SearchQuery: what IMAP SEARCH and JMAP Email/query both compile to.

A tree of frozen values. Sets of messages (sequence numbers, UIDs) are resolved to UIDs before they get here.
Text needles are Unicode, compared as substrings after case folding (RFC 9051 §6.4.4; i;unicode-casemap).
"""

from dataclasses import dataclass

from mailserverd.model.identifiers import EmailId, ModSeq, ThreadId


@dataclass(frozen=True, slots=True)
class Everything:
    pass


@dataclass(frozen=True, slots=True)
class UidIn:
    """ranges: sorted, disjoint, inclusive."""

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class HasFlags:
    """flags: names; present: whether all of them must be set or all unset."""

    flags: tuple[str, ...]
    present: bool = True


@dataclass(frozen=True, slots=True)
class RecentFrom:
    """UID at or above: \\Recent of the asking session."""

    uid: int


@dataclass(frozen=True, slots=True)
class InternalDateIn:
    """since <= internal date < before, seconds since the epoch in the message's own offset's calendar; None = open."""

    since: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class SaveDateIn:
    since: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class SentDateIn:
    """The Date header's own calendar day, as RFC 3501 says: time and zone disregarded."""

    since: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class SizeIn:
    larger_than: int | None = None
    smaller_than: int | None = None


@dataclass(frozen=True, slots=True)
class HeaderHas:
    """A header field of this name whose decoded value contains needle ("" = the field is there)."""

    name: str
    needle: str


@dataclass(frozen=True, slots=True)
class BodyHas:
    needle: str


@dataclass(frozen=True, slots=True)
class TextHas:
    """In the header or the body."""

    needle: str


@dataclass(frozen=True, slots=True)
class ModSeqAtLeast:
    modseq: ModSeq


@dataclass(frozen=True, slots=True)
class EmailIdIs:
    email_id: EmailId


@dataclass(frozen=True, slots=True)
class ThreadIdIs:
    thread_id: ThreadId


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple["SearchQuery", ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple["SearchQuery", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "SearchQuery"


SearchQuery = (
    Everything
    | UidIn
    | HasFlags
    | RecentFrom
    | InternalDateIn
    | SaveDateIn
    | SentDateIn
    | SizeIn
    | HeaderHas
    | BodyHas
    | TextHas
    | ModSeqAtLeast
    | EmailIdIs
    | ThreadIdIs
    | And
    | Or
    | Not
)
