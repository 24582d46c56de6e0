"""The base subject of RFC 5256 §2.1, by which SORT and THREAD compare subjects."""

import re

from mailserverd.wire.mime.decode import decode_header

MAX_CHARACTERS = 512  # of a subject that are looked at: a key has a bound

_spaces = re.compile(r"[ \t\r\n]+").sub
_BLOB = r"\[[^\[\]]*+\][ \t]*+"
# subj-leader  = (*subj-blob subj-refwd) / WSP        subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
_leader = re.compile(rf"(?:{_BLOB})*+(?:re|fwd?)[ \t]*+(?:{_BLOB})?:[ \t]*+", re.IGNORECASE).match
_blob = re.compile(_BLOB).match
# What makes a subject worth more than a glance: a blob, a trailer, an encoded word, a leader.
_is_plain = re.compile(r"(?!re\b|fwd?\b)[^\[\]()=\s]*+(?: [^\[\]()=\s]++)*+\Z", re.IGNORECASE).match
_is_plain_reply = re.compile(
    r"(?:re|fwd?): ((?!re\b|fwd?\b)[^\[\]()=\s]++(?: [^\[\]()=\s]++)*+)\Z", re.IGNORECASE
).match


def base_subject(value: bytes | None) -> tuple[str, bool]:
    """The base subject, case as written, and whether the subject is that of a reply or forward."""
    if not value:
        return "", False
    text = decode_header(value.strip(b" \t\r\n")[: 8 * MAX_CHARACTERS])[:MAX_CHARACTERS]
    if _is_plain(text):
        return text, False
    reply = _is_plain_reply(text)
    if reply is not None:
        return reply[1], True
    return _stripped(_spaces(" ", text))


def _stripped(text: str) -> tuple[str, bool]:
    is_reply = False
    while True:
        text, trailed = _without_trailers(text)
        is_reply = is_reply or trailed
        while True:  # steps 3 to 5
            led = _leader(text)
            if led is not None:
                text, is_reply = text[led.end() :], True
                continue
            text = text.lstrip(" ")
            if _leader(text):
                continue
            blob = _blob(text)
            if blob is None or blob.end() == len(text):
                break
            text = text[blob.end() :]
        # step 6: subj-fwd-hdr "[fwd:" and subj-fwd-trl "]"
        if text[:5].lower() != "[fwd:" or text[-1:] != "]":
            return text, is_reply
        text, is_reply = text[5:-1], True


def _without_trailers(text: str) -> tuple[str, bool]:
    """subj-trailer = "(fwd)" / WSP, as often as it is there."""
    forwarded = False
    while True:
        text = text.rstrip(" ")
        if text[-5:].lower() != "(fwd)":
            return text, forwarded
        text, forwarded = text[:-5], True
