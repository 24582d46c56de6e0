"""Address lists (RFC 5322 §3.4, obsolete forms of §4.4, and broken ones) as values and as ENVELOPE lists.

Nothing is decoded: names stay the octets of the message. A list is never refused; what makes no sense becomes an
address with what could be read of it, as every list must be answered.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from mailserverd.wire.mime.decode import decode_header
from mailserverd.wire.mime.quoting import nstring

# A mailbox without a host would look like the begin of a group (RFC 9051 §7.5.2: NIL host means group syntax).
MISSING_MAILBOX = b"MISSING_MAILBOX"
MISSING_DOMAIN = b"MISSING_DOMAIN"
_MAX_ADDRESSES = 10_000
MAX_KEY_OCTETS = 512


class Address(NamedTuple):
    """One entry as in ENVELOPE: (name adl mailbox host). host None: group `mailbox` begins or, both None, ends."""

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None


class AddressList(NamedTuple):
    """wire: as it stands in ENVELOPE, NIL when empty; mailbox, display: sort keys of the first (empty when none).

    RFC 5256 §3 sorts by the mailbox, RFC 5957 by the display name or, without one, the address.
    """

    wire: bytes
    mailbox: bytes
    display: bytes


EMPTY = AddressList(b"NIL", b"", b"")
_GROUP_END = Address(None, None, None, None)

_ATOM = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
# The usual mailbox: [phrase] "<" dot-atom "@" dot-atom ">" or the bare addr-spec, no comment or folding inside.
_usual = re.compile(
    rb"[ \t\r\n]*+(?:"
    rb'(?:(?:"([^"\\\r\n\x00\x80-\xff]++)"|(%b++(?:[. ]%b++)*+\.?+))[ \t]*+|)<(%b++(?:\.%b++)*+)@(%b++(?:\.%b++)*+)>'
    rb"|(%b++(?:\.%b++)*+)@(%b++(?:\.%b++)*+)"
    rb")[ \t\r\n]*+(,|\Z)" % ((_ATOM,) * 10)
).match
_spaces = re.compile(rb"\s+").sub


@lru_cache(maxsize=2048)
def _cached_list(value: bytes) -> AddressList:
    return _read_list(value)


def read_list(value: bytes) -> AddressList:
    """The address list of a field's value. Short ones are remembered: the same people write every day."""
    return _cached_list(value) if len(value) <= 256 else _read_list(value)


def _read_list(value: bytes) -> AddressList:
    found = _usual(value)
    if found is not None and not found[7]:
        quoted, phrase, mailbox, host, bare_mailbox, bare_host, _ = found.groups()
        name = quoted or phrase
        if bare_mailbox is not None:
            mailbox, host = bare_mailbox, bare_host
        if name is None:
            wire = b'((NIL NIL "%b" "%b"))' % (mailbox, host)
            return AddressList(wire, sort_key(mailbox), sort_key(b"%b@%b" % (mailbox, host)))
        if quoted is None or b"  " not in quoted:
            return AddressList(b'(("%b" NIL "%b" "%b"))' % (name, mailbox, host), sort_key(mailbox), sort_key(name))
    return rendered(parse_addresses(value))


def sort_key(octets: bytes) -> bytes:
    """Decoded, case-folded, UTF-8, bounded (RFC 5256 §3, i;unicode-casemap)."""
    if octets.isascii() and b"=?" not in octets:
        return octets[:MAX_KEY_OCTETS].lower()
    return decode_header(octets[: 4 * MAX_KEY_OCTETS]).casefold().encode("utf-8", "replace")[:MAX_KEY_OCTETS]


def rendered(addresses: list[Address]) -> AddressList:
    """The list as it stands in ENVELOPE."""
    if not addresses:
        return EMPTY
    wire = b"".join(
        b"(%b %b %b %b)" % (nstring(name), nstring(route), nstring(mailbox), nstring(host))
        for name, route, mailbox, host in addresses
    )
    name, _, mailbox, host = addresses[0]
    display = name if name else (mailbox or b"") + (b"@" + host if host else b"")
    return AddressList(b"(%b)" % wire, sort_key(mailbox or b""), sort_key(display))


def parse_addresses(value: bytes) -> list[Address]:
    """Every address and group mark of a list."""
    out: list[Address] = []
    position, end = 0, len(value)
    while position < end and len(out) < _MAX_ADDRESSES:
        found = _usual(value, position)
        if found is None:
            position = _Reader(out).read(value, position)
        else:
            quoted, phrase, mailbox, host, bare_mailbox, bare_host, _ = found.groups()
            out.append(Address(quoted or phrase, None, mailbox or bare_mailbox, host or bare_host))
            position = found.end()
    return out


_next_token = re.compile(
    rb"(?P<space>[ \t\r\n]++)"
    rb'|"(?P<quoted>(?:[^"\\]|\\.)*+)\\?+(?:"|\Z)'
    rb"|(?P<special>[<>@,:;.()])"
    rb"|(?P<literal>\[(?:[^\]\\]|\\.)*+\\?+(?:\]|\Z))"
    rb"|(?P<atom>[^ \t\r\n\"<>@,:;.()\[]++)"
    rb"|(?P<junk>.)",
    re.DOTALL,
).match
_unescape = re.compile(rb"\\(.)", re.DOTALL).sub
_comment_piece = re.compile(rb"[^()\\]++|\\.|[()]|\\\Z", re.DOTALL).match
_fold = re.compile(rb"\r?\n(?=[ \t])").sub


def unquoted(inner: bytes) -> bytes:
    """What a quoted string means: without folds and backslashes (RFC 5322 §3.2.4)."""
    if b"\n" in inner:
        inner = _fold(b"", inner)
    return _unescape(rb"\1", inner) if b"\\" in inner else inner


class _Word(NamedTuple):
    kind: str
    text: bytes
    spaced: bool  # white space stands before it
    end: int


def _words(value: bytes, position: int) -> Iterator[_Word]:
    """The tokens of a list; comments are one token each."""
    end, spaced = len(value), False
    while position < end:
        found = _next_token(value, position)
        if found is None:
            return
        kind, position = found.lastgroup or "junk", found.end()
        if kind == "space":
            spaced = True
            continue
        text = found[0]
        if text == b"(":
            comment, position = _comment(value, position)
            yield _Word("comment", comment, spaced, position)
        else:
            yield _Word(kind, unquoted(found["quoted"]) if kind == "quoted" else text, spaced, position)
        spaced = False


def _comment(value: bytes, position: int) -> tuple[bytes, int]:
    """The text of the comment that was opened before `position`, nested ones with their brackets, and where it ends."""
    depth, out = 1, []
    while depth:
        found = _comment_piece(value, position)
        if found is None:
            break
        position, piece = found.end(), found[0]
        if piece == b"(":
            depth += 1
        elif piece == b")":
            depth -= 1
        elif piece[:1] == b"\\":
            piece = piece[1:]
        if depth:
            out.append(piece)
    return _spaces(b" ", b"".join(out)).strip(), position


def _phrase(words: list[_Word]) -> bytes:
    """The words with one space where there was any white space (RFC 5322 §3.2.5)."""
    out: list[bytes] = []
    for word in words:
        if out and (word.spaced or word.kind == "quoted"):
            out.append(b" ")
        out.append(word.text)
    return b"".join(out)


class _Reader:
    """One walk over the tokens. `words` is what was read since the last separator: it turns out to be a phrase, the
    name of a group or an addr-spec by what follows."""

    __slots__ = ("angle", "at_end", "comment", "in_angle", "in_group", "out", "words")

    def __init__(self, out: list[Address]) -> None:
        self.out = out
        self.in_group = False
        self._restart()

    def _restart(self) -> None:
        self.words: list[_Word] = []
        self.angle: list[_Word] | None = None
        self.in_angle = False
        self.comment: bytes | None = None
        self.at_end = False

    def read(self, value: bytes, position: int) -> int:
        """One address or a whole group; where the list goes on."""
        for word in _words(value, position):
            if word.kind == "special":
                self._special(word)
            elif word.kind == "comment":
                self.comment = word.text
            else:
                self._collect(word)
            if self.at_end and not self.in_group:
                return word.end
            if len(self.out) >= _MAX_ADDRESSES:
                break
        self._finish()
        if self.in_group:
            self.out.append(_GROUP_END)
        return len(value)

    def _collect(self, word: _Word) -> None:
        if self.in_angle and self.angle is not None:
            self.angle.append(word)
        elif self.angle is None:
            self.words.append(word)

    def _special(self, word: _Word) -> None:
        text = word.text
        if text == b"<":
            if self.angle is None:
                self.angle, self.in_angle = [], True
        elif text == b">":
            self.in_angle = False
        elif text == b"," and not (self.in_angle and self.angle and self.angle[0].text == b"@"):
            self._finish()
            self.at_end = True
        elif text == b";" and (self.in_group or not self.in_angle):
            self._finish()
            if self.in_group:
                self.out.append(_GROUP_END)
                self.in_group = False
            self.at_end = True
        elif text == b":" and not self.in_angle and not self.in_group and self.angle is None:
            self.out.append(Address(None, None, _phrase(self.words), None))
            self.in_group = True
            self._restart()
        else:
            self._collect(word)

    def _finish(self) -> None:
        """The end of one address: "," ";" or the end of the list."""
        words, angle = self.words, self.angle
        if angle is not None:
            route, mailbox, host = _addr_spec(angle)
            self.out.append(Address(_phrase(words) or self.comment or None, route, mailbox, host))
        elif words:
            route, mailbox, host = _addr_spec(words)
            self.out.append(Address(self.comment or None, route, mailbox, host))
        self._restart()


def _addr_spec(words: list[_Word]) -> tuple[bytes | None, bytes, bytes]:
    """Route, mailbox and host: [ route ":" ] local-part "@" domain, with or without white space between (obsolete)."""
    texts = [word.text for word in words]
    marks = [word.text if word.kind == "special" else b"" for word in words]
    route: bytes | None = None
    if marks and marks[0] == b"@" and b":" in marks:
        colon = marks.index(b":")
        route = b"".join(texts[:colon])
        texts, marks = texts[colon + 1 :], marks[colon + 1 :]
    if b"@" in marks:
        at = marks.index(b"@")
        return route, b"".join(texts[:at]) or MISSING_MAILBOX, b"".join(texts[at + 1 :]) or MISSING_DOMAIN
    return route, b"".join(texts) or MISSING_MAILBOX, MISSING_DOMAIN
