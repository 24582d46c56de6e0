"""Signatures of ours, verified by dkimpy, which shares no code with them."""

import re
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.authentication.canonical import (
    fields_of,
    parted,
    relaxed_body,
    selected,
    simple_body,
    simple_field,
    stacks_of,
)
from mailserverd.wire.authentication.dkim import OVERSIGNED, SIGNED, signature_fields, signed_names
from tests.wire.authentication.keys import Published, key

DATA = Path(__file__).parents[4] / "shared/data/dkim"
MESSAGE = (
    b"Received: from a\r\n\tby b; now\r\nFrom: Alice  <alice@example.org>\r\nTo: bob@example.net\r\n"
    b"Subject: a\r\n  folded   line\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n"
    b"List-Unsubscribe: <https://example.org/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"\r\nHello  there \r\n\tgood\tbye\r\n\r\n\r\n"
)
NOW = 1_795_000_000
BOTH = (key("rsa"), key("ed25519"))


def signed(message: bytes) -> bytes:
    return signature_fields(message, BOTH, NOW) + message


def verdicts(message: bytes) -> list[bool]:
    """Of each signature; an exception of dkimpy is a no."""
    verifier, dns = dkim.DKIM(message), Published(BOTH)
    found = len([each for each in fields_of(parted(message)[0]) if each.name == b"dkim-signature"])
    out = []
    for index in range(found):
        try:
            out.append(verifier.verify(idx=index, dnsfunc=dns))
        except dkim.ValidationError:
            out.append(False)
    return out


def test_both_signatures_are_verified() -> None:
    message = signed(MESSAGE)
    assert verdicts(message) == [True, True]
    assert b"a=rsa-sha256;" in message
    assert b"a=ed25519-sha256;" in message
    assert max(map(len, message.split(b"\r\n"))) <= 78


def test_the_fields_that_receivers_ask_for_are_signed() -> None:
    names = signed_names(stacks_of(parted(MESSAGE)[0], frozenset((*OVERSIGNED, *SIGNED))))
    assert names.count(b"from") == names.count(b"subject") == 2  # RFC 6376 §8.15
    assert names.count(b"reply-to") == names.count(b"cc") == 1
    assert names.count(b"list-unsubscribe") == names.count(b"list-unsubscribe-post") == 1  # RFC 8058 §4
    assert b"received" not in names
    assert b"return-path" not in names


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Hello  there", b"Hello world"),
        (b"Subject: a", b"Subject: b"),
        (b"From: Alice", b"From: Mallory <m@evil.example>\r\nFrom: Alice"),
        (b"From: Alice", b"Reply-To: m@evil.example\r\nFrom: Alice"),
        (b"From: Alice", b"Subject: another\r\nFrom: Alice"),
        (b"List-Unsubscribe: <https://example.org/u>", b"List-Unsubscribe: <https://evil.example/u>"),
    ],
)
def test_what_is_changed_or_added_breaks_both(before: bytes, after: bytes) -> None:
    message = signed(MESSAGE)
    changed = message.replace(before, after, 1)
    assert changed != message
    assert verdicts(changed) == [False, False]


def test_what_a_relay_may_do_breaks_none() -> None:
    message = b"Received: from x by y; now\r\n" + signed(MESSAGE).replace(b"folded   line", b"folded line")
    assert verdicts(message.replace(b"there \r\n", b"there\r\n") + b"\r\n\r\n") == [True, True]


@pytest.mark.parametrize(
    "body",
    [b"", b"\r\n", b"\r\n\r\n\r\n", b"\r\nno line end", b"\r\n \r\n\t\r\n", b"\r\n\xff\x00\r\n"],
)
def test_bodies_at_the_edges(body: bytes) -> None:
    assert verdicts(signed(b"From: a@example.org\r\nDate: now\r\n" + body)) == [True, True]


_LINES = st.lists(st.binary(max_size=40).filter(lambda line: not set(line) & set(b"\r\n")), max_size=12)
_VALUES = st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=50), min_size=1, max_size=3)


@given(_LINES, _VALUES, st.sampled_from(["To", "subject", "CC", "X-Other", "References"]))
@settings(max_examples=60, deadline=None)
def test_whatever_is_signed_is_verified(lines: list[bytes], values: list[str], name: str) -> None:
    header = b"From: a@example.org\r\n" + b"".join(f"{name}: {value}\r\n".encode() for value in values)
    message = header + b"\r\n" + b"\r\n".join([*lines, b""])  # a message always ends in CRLF on its way
    assert verdicts(signature_fields(message, BOTH[1:], NOW) + message) == [True]


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_octets_are_too_odd_to_be_signed(message: bytes) -> None:
    assert signature_fields(message, BOTH[1:], NOW).startswith(b"DKIM-Signature: v=1;")


def test_a_name_that_stands_there_for_ever_is_bounded() -> None:
    assert len(signature_fields(b"To: x\r\n" * 50_000 + b"\r\n", BOTH, NOW)) < 4_000


# RFC 8463 §A.2
_BRISBANE = b"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def test_the_signature_of_rfc_8463_is_over_our_simple_forms() -> None:
    """Simple canonical forms and the choice of fields, against a signature that others made."""
    if not DATA.exists():
        pytest.skip("no shared data here")
    message = re.sub(rb"\r?\n", b"\r\n", (DATA / "rfc6376.signed.msg").read_bytes())
    header, body = parted(message)
    fields = fields_of(header)
    signature = fields[0].octets
    assert b64encode(sha256(simple_body(body)).digest()) in signature
    names = [b"from", b"to", b"subject", b"date", b"message-id", b"from", b"subject", b"date"]
    bare, _, value = signature.partition(b" b=")
    digest = sha256(
        b"".join(map(simple_field, [*selected(stacks_of(header, frozenset(names)), names), bare + b" b="]))
    ).digest()
    key = Ed25519PublicKey.from_public_bytes(b64decode(_BRISBANE))
    key.verify(b64decode(re.sub(rb"\s", b"", value)), digest)
    with pytest.raises(InvalidSignature):
        key.verify(b64decode(re.sub(rb"\s", b"", value)), sha256(digest).digest())


def test_the_body_of_the_arc_suite_has_the_hash_that_the_suite_says() -> None:
    body = b"Hey gang,\r\nThis is a test message.\r\n--J.\r\n"
    assert b64encode(sha256(relaxed_body(body)).digest()) == b"KWSe46TZKCcDbH4klJPo+tjk5LWJnVRlP5pvjXFZYLQ="
