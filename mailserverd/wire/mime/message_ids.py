"""Message-IDs for threads (RFC 5256 §3, RFC 5322 §3.6.4), without their angle brackets and in one form."""

import re

# A msg-id; quoted local parts and white space inside are met, so anything up to the bracket counts.
_find_ids = re.compile(rb"<([^<>]{1,998})>").findall
_find_clean_ids = re.compile(rb'<([^<>\s"]{1,998})>').findall
_bare_id = re.compile(rb"\s*+([^\s<>@]++@[^\s<>@]++)\s*+\Z").match
_inner_spaces = re.compile(rb"\s+").sub
_needless_quotes = re.compile(rb'"([A-Za-z0-9!#$%&\'*+/=?^_`{|}~.-]+)"(?=@)').sub
MAX_REFERENCES = 100


def message_id(value: bytes | None) -> bytes:
    """The id of a Message-ID field; empty when there is none."""
    if not value:
        return b""
    ids = _ids_of(value)
    if ids:
        return ids[0]
    bare = _bare_id(value[:1000])
    return bare[1] if bare else b""


def references(references_value: bytes | None, in_reply_to: bytes | None) -> tuple[bytes, ...]:
    """Oldest first: the ids of References or, when it has none, the first of In-Reply-To (RFC 5256 §3 REFERENCES 1).

    Of a very long list the first and the nearest count.
    """
    if references_value:
        ids = _ids_of(references_value)
        if ids:
            if len(ids) > MAX_REFERENCES:
                ids = [ids[0], *ids[1 - MAX_REFERENCES :]]
            return tuple(dict.fromkeys(ids))
    if in_reply_to:
        for found in _ids_of(in_reply_to):
            if b"@" in found:
                return (found,)
    return ()


def _ids_of(value: bytes) -> list[bytes]:
    ids = _find_clean_ids(value)
    if len(ids) != value.count(b"<"):
        ids = list(map(_normal, _find_ids(value)))
    return ids


def _normal(found: bytes) -> bytes:
    """RFC 5256 §3: the same id with or without needless quoting is the same."""
    if b'"' in found:
        found = _needless_quotes(rb"\1", found)
    return _inner_spaces(b"", found) if b" " in found or b"\n" in found or b"\t" in found else found
