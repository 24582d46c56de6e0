"""Header text as people read it: RFC 2047 encoded words, RFC 2231 parameters, raw 8-bit. Never raises.

Sent to IMAP4rev1 clients nothing is decoded; SEARCH, sort keys, previews and names of attachments are.
"""

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64, a2b_qp

from mailserverd.wire.mime.charsets import decode_charset, decode_raw

# encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="  (RFC 2047 §2, RFC 2231 §5)
# Senders put spaces into the text and break words over 75 characters; both are taken.
_find_words = re.compile(
    rb"=\?([^?*\s]{1,64})(?:\*[^?\s]{0,32})?\?([bBqQ])\?([^?\r\n]*(?:\?(?!=)[^?\r\n]*)*)\?="
).finditer
_fold = re.compile(rb"\r?\n(?=[ \t])").sub
_NOT_BASE64 = bytes(octet for octet in range(256) if not (octet < 128 and (chr(octet).isalnum() or octet in b"+/")))
_percent = re.compile(rb"%([0-9A-Fa-f]{2})").sub
_MAX_RUNS = 10_000
_continued = re.compile(rb"\A([^*]+)\*(\d{1,3})(\*?)\Z").match


def decode_header(value: bytes) -> str:
    """An unstructured value, or a phrase, as text."""
    if b"\n" in value:
        value = _fold(b"", value)
    if b"=?" not in value:
        return value.decode("ascii") if value.isascii() and b"\x1b" not in value else _decode_lines(value)
    return _decode_words(value)


def _decode_words(value: bytes) -> str:
    """White space between two encoded words goes (RFC 2047 §6.2); words cut within a character are joined first."""
    out: list[str] = []
    pending: list[bytes] = []
    charset, end = b"", 0
    for word in _find_words(value):
        between = value[end : word.start()]
        if end == 0 or between.strip(b" \t\r\n"):
            out += (decode_charset(b"".join(pending), charset), _decode_lines(between))
            pending = []
        if word[1] != charset:
            out.append(decode_charset(b"".join(pending), charset))
            pending, charset = [], word[1]
        pending.append(_word_octets(word[2], word[3]))
        end = word.end()
    out += (decode_charset(b"".join(pending), charset), _decode_lines(value[end:]))
    return "".join(out)


def _decode_lines(value: bytes) -> str:
    """What is in no declared charset, each line by itself: one field of a header says nothing of the next."""
    if b"\n" not in value:
        return decode_raw(value)
    return "\n".join([decode_raw(line) for line in value.split(b"\n")])


def _word_octets(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"qQ":
        return a2b_qp(text.replace(b" ", b"_"), header=True)
    return lenient_base64(text)


def lenient_base64(text: bytes) -> bytes:
    """Base64 with whatever else stands between (RFC 2045 §6.8), and as much as there is of an incomplete end.

    Padding in the middle ends one run and begins another, as in base64 that was put together from several; of rubbish
    that is all padding the rest is one run.
    """
    padding = text.find(b"=")
    if padding < 0 or not text[padding:].strip(b"= \t\r\n"):
        try:
            return a2b_base64(text)
        except BinasciiError:
            pass
    out: list[bytes] = []
    for run in text.split(b"=", _MAX_RUNS):
        clean = run.translate(None, _NOT_BASE64)
        if len(clean) % 4 == 1:
            clean = clean[:-1]
        out.append(a2b_base64(clean + b"=" * (-len(clean) % 4)))
    return b"".join(out)


def decode_parameter(parameters: tuple[tuple[bytes, bytes], ...], name: bytes) -> str | None:
    """The value of a parameter, put together from its RFC 2231 pieces, or with the RFC 2047 that many send instead."""
    pieces: dict[int, tuple[bool, bytes]] = {}
    plain: bytes | None = None
    for key, value in parameters:
        lowered = key.lower()
        if lowered == name:
            plain = value if plain is None else plain
        elif lowered == name + b"*":
            return _extended(value)
        elif lowered.startswith(name + b"*"):
            piece = _continued(lowered)
            if piece is not None and piece[1] == name:
                pieces.setdefault(int(piece[2]), (bool(piece[3]), value))
    if 0 in pieces:
        return _from_pieces(pieces)
    return None if plain is None else decode_header(plain)


def _from_pieces(pieces: dict[int, tuple[bool, bytes]]) -> str:
    """RFC 2231 §3 and §4.1: numbered from 0 without a gap; the charset stands in the first piece only."""
    first_encoded, first = pieces[0]
    charset, text = _charset_of(first) if first_encoded else (b"", first)
    octets = [_unpercent(text) if first_encoded else text]
    number = 1
    while number in pieces:
        encoded, value = pieces[number]
        octets.append(_unpercent(value) if encoded else value)
        number += 1
    joined = b"".join(octets)
    return decode_charset(joined, charset) if charset else decode_header(joined)


def _extended(value: bytes) -> str:
    charset, text = _charset_of(value)
    return decode_charset(_unpercent(text), charset)


def _charset_of(value: bytes) -> tuple[bytes, bytes]:
    """extended-initial-value := [charset] "'" [language] "'" extended-other-values  (RFC 2231 §7)."""
    pieces = value.split(b"'", 2)
    return (pieces[0], pieces[2]) if len(pieces) == 3 else (b"", value)


def _unpercent(text: bytes) -> bytes:
    return _percent(lambda found: bytes((int(found[1], 16),)), text)
