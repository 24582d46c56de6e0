"""A header block as fields, and the answer to BODY[HEADER.FIELDS (...)] without parsing it again.

The header index is packed little-endian, 9 octets a field, in order and without gaps: u8 code of a well-known name
(0 = any other, or a line that is no field), u32 start, u32 end. It is stored: CODES may grow at its end, never change.
What follows the last field is the empty line that ends the block, or nothing where the message has none.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import Struct

from mailserverd.wire.mime.limits import DEFAULT_LIMITS, MimeLimits

NAMES: tuple[bytes, ...] = (
    b"",
    # 1..18: read by the scan (scan.py, envelope.py, structure.py rely on this order)
    b"Date",
    b"Subject",
    b"From",
    b"Sender",
    b"Reply-To",
    b"To",
    b"Cc",
    b"Bcc",
    b"In-Reply-To",
    b"Message-ID",
    b"References",
    b"Content-Type",
    b"Content-Transfer-Encoding",
    b"Content-ID",
    b"Content-Description",
    b"Content-MD5",
    b"Content-Disposition",
    b"Content-Language",
    b"Content-Location",
    # asked for by clients
    b"MIME-Version",
    b"Received",
    b"Return-Path",
    b"Delivered-To",
    b"Priority",
    b"X-Priority",
    b"Importance",
    b"Newsgroups",
    b"Followup-To",
    b"List-Id",
    b"List-Post",
    b"List-Unsubscribe",
    b"List-Unsubscribe-Post",
    b"List-Help",
    b"List-Subscribe",
    b"List-Archive",
    b"List-Owner",
    b"Precedence",
    b"Auto-Submitted",
    b"X-Mailer",
    b"User-Agent",
    b"Organization",
    b"Disposition-Notification-To",
    b"Return-Receipt-To",
    b"X-Spam-Flag",
    b"X-Spam-Status",
    b"X-Spam-Score",
    b"X-Spam-Level",
    b"Authentication-Results",
    b"Received-SPF",
    b"DKIM-Signature",
    b"ARC-Seal",
    b"ARC-Message-Signature",
    b"ARC-Authentication-Results",
    b"X-Original-To",
    b"Envelope-To",
    b"Resent-From",
    b"Resent-To",
    b"Resent-Date",
    b"Resent-Message-ID",
    b"Errors-To",
    b"Mail-Followup-To",
    b"Mail-Reply-To",
    b"Thread-Topic",
    b"Thread-Index",
    b"Autocrypt",
    b"X-Mozilla-Status",
    b"X-Mozilla-Status2",
    b"X-Mozilla-Keys",
    b"X-Uniform-Type-Identifier",
    b"X-Universally-Unique-Identifier",
    b"X-Draft-Info",
    b"X-Forwarded-Message-Id",
    b"BIMI-Selector",
    b"Keywords",
    b"Comments",
    b"X-Label",
    b"X-Keywords",
    b"Feedback-ID",
    b"Lines",
    b"X-Loop",
    b"X-Google-Smtp-Source",
)
(
    DATE,
    SUBJECT,
    FROM,
    SENDER,
    REPLY_TO,
    TO,
    CC,
    BCC,
    IN_REPLY_TO,
    MESSAGE_ID,
    REFERENCES,
    CONTENT_TYPE,
    CONTENT_TRANSFER_ENCODING,
    CONTENT_ID,
    CONTENT_DESCRIPTION,
    CONTENT_MD5,
    CONTENT_DISPOSITION,
    CONTENT_LANGUAGE,
    CONTENT_LOCATION,
) = range(1, 20)
LAST_READ = CONTENT_LOCATION

CODES: dict[bytes, int] = {name.lower(): code for code, name in enumerate(NAMES) if name}
# The spellings that are met, so that most names need one look-up and no copy in lower case.
_SPELLINGS: dict[bytes, int] = {
    spelling: code
    for code, name in enumerate(NAMES)
    if name
    for spelling in (name, name.lower(), name.upper(), name.title(), name.capitalize())
}
code_of_spelling = _SPELLINGS.get
code_of_lower = CODES.get

_ENTRY = Struct("<BII")
_iter_entries = _ENTRY.iter_unpack

# A field: its name, then the rest with its continuation lines (RFC 5322 §2.2.3). Every octet belongs to a match.
split_fields = re.compile(rb"([^:\s]*+)([^\n]*+(?:\n[ \t][^\n]*+)*+\n?)").findall
_unfold = re.compile(rb"\r?\n(?=[ \t])").sub
_is_field_rest = re.compile(rb"[ \t]*+:").match
_has_gap = re.compile(rb"\s").search

Values = list[bytes | None]
_LOOKED_AT_ONCE = 1_048_576  # octets, in one call that lets no other thread run


def find_header_end(octets: bytes, start: int, stop: int) -> int:
    """Where the body begins: after the first empty line (RFC 5322 §2.1); -1 when there is none before `stop`."""
    if octets.startswith(b"\n", start, stop):
        return start + 1
    if octets.startswith(b"\r\n", start, stop):
        return start + 2
    for at in range(start, stop, _LOOKED_AT_ONCE):
        limit = min(at + _LOOKED_AT_ONCE + 2, stop)
        crlf = octets.find(b"\n\r\n", at, limit)
        lone = octets.find(b"\n\n", at, limit if crlf < 0 else crlf + 1)
        if lone >= 0:
            return lone + 2
        if crlf >= 0:
            return crlf + 3
    return -1


def fields_end(header: bytes) -> int:
    """The length of `header` without the empty line at its end."""
    if header.endswith(b"\n\r\n") or header == b"\r\n":
        return len(header) - 2
    if header.endswith(b"\n\n") or header == b"\n":
        return len(header) - 1
    return len(header)


def unfolded(rest: bytes) -> bytes:
    """What follows the colon, unfolded (RFC 5322 §2.2.3: CRLF before white space goes, the white space stays)."""
    rest = rest.strip(b" \t\r\n")
    return _unfold(b"", rest) if b"\n" in rest else rest


def read_header(header: bytes, limits: MimeLimits = DEFAULT_LIMITS) -> tuple[bytes, Values]:
    """The header index of a block and, by code up to LAST_READ, what follows the colon of each field, still folded."""
    values: Values = [None] * (LAST_READ + 1)
    end = fields_end(header)
    bounded = end if end <= limits.header_octets else limits.header_octets
    found = split_fields(header, 0, bounded)[: limits.header_fields]
    flat: list[int] = []
    position = 0
    for name, rest in found:
        start = position
        position += len(name) + len(rest)
        code = code_of_spelling(name)
        if code is None:
            code = code_of_lower(name.lower(), 0)
        if code:
            if rest[:1] != b":":
                rest = _after_spaces(rest)
            if not rest:
                code = 0
            elif code <= LAST_READ:
                known = values[code]
                values[code] = rest[1:] if known is None else _joined(code, known, rest[1:])
        flat += (code, start, position)
    if flat and flat[-1] == flat[-2]:  # the expression also matches the nothing at the end
        del flat[-3:]
    if position < end:
        flat += (0, position, end)
    return _packed(flat), values


def _after_spaces(rest: bytes) -> bytes:
    """From the colon on (RFC 5322 §4.5 allowed white space before it); empty when the line is no field."""
    found = _is_field_rest(rest)
    return rest[found.end() - 1 :] if found else b""


def _joined(code: int, known: bytes, value: bytes) -> bytes:
    """A field that stands twice, against RFC 5322 §3.6: address lists are one list, of others the first counts."""
    if FROM <= code <= BCC:
        return known.rstrip(b" \t\r\n,") + b", " + value if known.strip(b" \t\r\n,") else value
    return known


_structs: list[Struct | None] = [None] * 64


def _packed(flat: list[int]) -> bytes:
    count = len(flat) // 3
    if count >= len(_structs):
        return Struct("<" + "BII" * count).pack(*flat)
    layout = _structs[count]
    if layout is None:
        layout = _structs[count] = Struct("<" + "BII" * count)
    return layout.pack(*flat)


_MAX_LAYOUTS = 256
_MAX_LAYOUT_FIELDS = 64


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """The names of a HEADER.FIELDS, compiled once a request. codes: of known names; others: in lower case.

    layouts: where to read the bounds of what is picked, by the codes of a header's fields: mail of one origin has
    its fields in one order.
    """

    codes: frozenset[int]
    others: frozenset[bytes]
    invert: bool
    layouts: dict[bytes, Struct] = field(default_factory=dict, compare=False)

    def pick(self, header: bytes, header_index: bytes) -> bytes:
        """The fields asked for, as they are in the message, and the empty line if there is one (RFC 9051 §6.4.5)."""
        fields = header_index[::9]
        layout = self.layouts.get(fields)
        if layout is None:
            if self.others or not 0 < len(fields) <= _MAX_LAYOUT_FIELDS:
                return self._pick_by_name(header, header_index)
            layout = self._learned(fields)
        bounds = layout.unpack_from(header_index)
        if len(bounds) == 5:
            start, end, again, until, rest = bounds
            return header[start:end] + header[again:until] + header[rest:]
        if len(bounds) == 3:
            start, end, rest = bounds
            return header[start:end] + header[rest:]
        each = iter(bounds)
        picked = [header[start:end] for start, end in zip(each, each, strict=False)]
        picked.append(header[bounds[-1] :])
        return b"".join(picked)

    def wants(self, name: bytes, rest: bytes) -> bool:
        """Whether a field is among them; `rest` begins behind the name."""
        code = code_of_lower(name.lower(), 0) if _is_field_rest(rest) else 0
        hit = code in self.codes if code else bool(self.others) and field_name(name + rest) in self.others
        return hit is not self.invert

    def _learned(self, fields: bytes) -> Struct:
        """Reads of an index with these codes start and end of each run of fields, and where the rest begins."""
        at = [place for run in self._runs(fields) for place in (9 * run[0] + 1, 9 * run[1] + 5)]
        if at and at[-1] == 9 * len(fields) - 4:  # the last field is among them: the rest begins with its run
            del at[-1]
        else:
            at.append(9 * len(fields) - 4)
        gaps = [place - before - 4 for before, place in zip([-4, *at], at, strict=False)]
        layout = Struct("<" + "".join([f"{gap}xI" for gap in gaps]))
        if len(self.layouts) >= _MAX_LAYOUTS:
            self.layouts.clear()
        self.layouts[fields] = layout
        return layout

    def _runs(self, fields: bytes) -> list[list[int]]:
        """First and last of each run of neighbours that are wanted."""
        runs: list[list[int]] = []
        for number, code in enumerate(fields):
            if (code != 0 and code in self.codes) is not self.invert:
                if runs and runs[-1][1] == number - 1:
                    runs[-1][1] = number
                else:
                    runs.append([number, number])
        return runs

    def _pick_by_name(self, header: bytes, header_index: bytes) -> bytes:
        codes, others, invert = self.codes, self.others, self.invert
        picked: list[bytes] = []
        for code, start, end in _iter_entries(header_index):
            if code:
                hit = code in codes
            else:
                hit = bool(others) and field_name(header[start:end]) in others
            if hit is not invert:
                picked.append(header[start:end])
        picked.append(header[_index_end(header_index) :])
        return b"".join(picked)


def compile_fields(names: Iterable[bytes], invert: bool = False) -> FieldSelector:
    """A selector for field names in any case (RFC 9051 §6.4.5: compared without regard to case, otherwise exactly)."""
    lowered = {name.lower() for name in names}
    codes = frozenset(CODES[name] for name in lowered if name in CODES)
    return FieldSelector(codes, frozenset(name for name in lowered if name not in CODES), invert)


def index_header(header: bytes, limits: MimeLimits = DEFAULT_LIMITS) -> bytes:
    """The header index of a block that has none stored: a part's, or one out of an embedded message."""
    return read_header(header, limits)[0]


def field_name(field: bytes) -> bytes:
    """The name of a field in lower case; empty when the line is no field."""
    name, colon, _ = field.partition(b":")
    name = name.rstrip(b" \t")
    return name.lower() if colon and name and not _has_gap(name) else b""


def field_values(header: bytes, header_index: bytes, name: bytes) -> list[bytes]:
    """The unfolded values of every field of this name, in order."""
    wanted = name.lower()
    code = CODES.get(wanted, 0)
    values: list[bytes] = []
    for entry, start, end in _iter_entries(header_index):
        if entry == code and (code or field_name(header[start:end]) == wanted):
            values.append(unfolded(header[start:end].partition(b":")[2]))
    return values


def _index_end(header_index: bytes) -> int:
    """Where the last field ends, which is where the empty line begins."""
    return int.from_bytes(header_index[-4:], "little")
