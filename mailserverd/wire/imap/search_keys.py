"""Search keys as values (RFC 9051 §6.4.4, RFC 3501 §6.4.4, RFC 7162 §3.1.5, RFC 8474 §5.3).

Standing rules: what a message by itself can answer is a SearchQuery leaf already; what needs the session (message
numbers, \\Recent) is a value of its own; nesting and number of keys are bounded.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mailserverd.model import search_query as query
from mailserverd.model.identifiers import EmailId, ModSeq, ThreadId, parse_id
from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.dates import parse_date
from mailserverd.wire.imap.flags import keyword
from mailserverd.wire.imap.sequence_set import SequenceSet, match_set
from mailserverd.wire.imap.syntax_error import BadCharset, BadSyntax

MAX_NESTING = 50
MAX_KEYS = 1000
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Numbers:
    """Message sequence numbers, or UIDs."""

    ids: SequenceSet
    uid: bool = False


@dataclass(frozen=True, slots=True)
class Recent:
    """\\Recent in this session."""


@dataclass(frozen=True, slots=True)
class AllOf:
    keys: tuple["SearchKey", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    keys: tuple["SearchKey", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    key: "SearchKey"


SearchKey = Numbers | Recent | AllOf | AnyOf | Negation | query.SearchQuery
NOTHING = Negation(query.Everything())
_CODECS = {b"US-ASCII": "ascii", b"UTF-8": "utf-8", b"ISO-8859-1": "latin-1"}


def _flag(name: str, present: bool = True) -> query.HasFlags:
    return query.HasFlags((name,), present)


_SIMPLE: dict[bytes, SearchKey] = {
    b"ALL": query.Everything(),
    b"ANSWERED": _flag("\\Answered"),
    b"DELETED": _flag("\\Deleted"),
    b"DRAFT": _flag("\\Draft"),
    b"FLAGGED": _flag("\\Flagged"),
    b"SEEN": _flag("\\Seen"),
    b"UNANSWERED": _flag("\\Answered", False),
    b"UNDELETED": _flag("\\Deleted", False),
    b"UNDRAFT": _flag("\\Draft", False),
    b"UNFLAGGED": _flag("\\Flagged", False),
    b"UNSEEN": _flag("\\Seen", False),
    b"RECENT": Recent(),
    b"OLD": Negation(Recent()),
    b"NEW": AllOf((Recent(), _flag("\\Seen", False))),
}


def charset_codec(charset: bytes | None) -> str:
    """Raises BadCharset. Without CHARSET octets are read as UTF-8, of which US-ASCII is a part."""
    if charset is None:
        return "utf-8"
    codec = _CODECS.get(charset.upper())
    if codec is None:
        raise BadCharset("Charset not supported")
    return codec


def parse_keys(cursor: Cursor, codec: str) -> SearchKey:
    """Keys up to the end of the command, all of which must hold."""
    reader = _Reader(cursor, codec)
    keys = [reader.key(0)]
    while not cursor.at_end():
        cursor.space()
        keys.append(reader.key(0))
    return keys[0] if len(keys) == 1 else AllOf(tuple(keys))


class _Reader:
    __slots__ = ("codec", "count", "cursor")

    def __init__(self, cursor: Cursor, codec: str) -> None:
        self.cursor = cursor
        self.codec = codec
        self.count = 0

    def key(self, depth: int) -> SearchKey:
        self.count += 1
        if self.count > MAX_KEYS or depth > MAX_NESTING:
            raise BadSyntax("SEARCH too complex")
        cursor = self.cursor
        first = cursor.peek()
        if first == b"(":
            return self._group(depth)
        if first.isdigit() or first == b"*":
            ids, cursor.pos = match_set(cursor.text, cursor.pos)
            return Numbers(ids)
        name = cursor.word()
        simple = _SIMPLE.get(name)
        if simple is not None:
            return simple
        if name == b"NOT":
            cursor.space()
            return Negation(self.key(depth + 1))
        if name == b"OR":
            cursor.space()
            left = self.key(depth + 1)
            cursor.space()
            return AnyOf((left, self.key(depth + 1)))
        reader = _WITH_ARGUMENT.get(name)
        if reader is None:
            raise BadSyntax("Unknown search key")
        cursor.space()
        return reader(self)

    def _group(self, depth: int) -> SearchKey:
        self.cursor.begin_list()
        keys = [self.key(depth + 1)]
        while not self.cursor.ends_list():
            self.cursor.space()
            keys.append(self.key(depth + 1))
        return keys[0] if len(keys) == 1 else AllOf(tuple(keys))

    def text(self) -> str:
        octets = self.cursor.astring()
        try:
            return octets.decode(self.codec)
        except UnicodeDecodeError:
            raise BadSyntax(f"Text is not {self.codec.upper()}") from None

    def header_name(self) -> str:
        return self.cursor.astring().decode("ascii", "replace")

    def date(self) -> int:
        cursor = self.cursor
        return parse_date(cursor.string() if cursor.peek() == b'"' else cursor.atom())


def _uid(reader: _Reader) -> SearchKey:
    cursor = reader.cursor
    ids, cursor.pos = match_set(cursor.text, cursor.pos)
    return Numbers(ids, uid=True)


def _header(reader: _Reader) -> SearchKey:
    name = reader.header_name()
    reader.cursor.space()
    return query.HeaderHas(name, reader.text())


def _modseq(reader: _Reader) -> SearchKey:
    """search-modsequence = "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer

    There is one MODSEQ a message here, so the entry narrows nothing (RFC 7162 §3.1.5 allows that).
    """
    cursor = reader.cursor
    if cursor.peek() == b'"':
        name = cursor.string()
        if not name.lower().startswith(b"/flags/"):
            raise BadSyntax("Unknown MODSEQ entry")
        cursor.space()
        if cursor.word() not in (b"PRIV", b"SHARED", b"ALL"):
            raise BadSyntax("Unknown MODSEQ entry type")
        cursor.space()
    return query.ModSeqAtLeast(ModSeq(cursor.number64()))


def _email_id(reader: _Reader) -> SearchKey:
    found = parse_id(reader.cursor.astring(), b"E")
    return NOTHING if found is None else query.EmailIdIs(EmailId(found))


def _thread_id(reader: _Reader) -> SearchKey:
    found = parse_id(reader.cursor.astring(), b"T")
    return NOTHING if found is None else query.ThreadIdIs(ThreadId(found))


def _named(name: str) -> Callable[[_Reader], SearchKey]:
    return lambda reader: query.HeaderHas(name, reader.text())


_WITH_ARGUMENT: dict[bytes, Callable[[_Reader], SearchKey]] = {
    b"UID": _uid,
    b"HEADER": _header,
    b"BCC": _named("Bcc"),
    b"CC": _named("Cc"),
    b"FROM": _named("From"),
    b"SUBJECT": _named("Subject"),
    b"TO": _named("To"),
    b"BODY": lambda r: query.BodyHas(r.text()),
    b"TEXT": lambda r: query.TextHas(r.text()),
    b"KEYWORD": lambda r: query.HasFlags((keyword(r.cursor.atom()),)),
    b"UNKEYWORD": lambda r: query.HasFlags((keyword(r.cursor.atom()),), False),
    b"LARGER": lambda r: query.SizeIn(larger_than=r.cursor.number64()),
    b"SMALLER": lambda r: query.SizeIn(smaller_than=r.cursor.number64()),
    b"BEFORE": lambda r: query.InternalDateIn(before=r.date()),
    b"ON": lambda r: _on(r, query.InternalDateIn),
    b"SINCE": lambda r: query.InternalDateIn(since=r.date()),
    b"SENTBEFORE": lambda r: query.SentDateIn(before=r.date()),
    b"SENTON": lambda r: _on(r, query.SentDateIn),
    b"SENTSINCE": lambda r: query.SentDateIn(since=r.date()),
    b"MODSEQ": _modseq,
    b"EMAILID": _email_id,
    b"THREADID": _thread_id,
}


def _on(reader: _Reader, kind: type[query.InternalDateIn] | type[query.SentDateIn]) -> SearchKey:
    day = reader.date()
    return kind(since=day, before=day + _DAY)
