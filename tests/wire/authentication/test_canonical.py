"""Canonical forms against the letter of RFC 6376, and against the plain way of writing each rule."""

import re

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.authentication import canonical
from mailserverd.wire.authentication.canonical import (
    Field,
    fields_of,
    parted,
    relaxed_body,
    relaxed_field,
    selected,
    simple_body,
    stacks_of,
)

_BODY_PIECES = [b"a", b" ", b"\t", b"\r\n", b"\r", b"\n", b"b c", b"\xff", b"  ", b"."]
_BODIES = st.lists(st.sampled_from(_BODY_PIECES)).map(b"".join)
_HEADERS = st.lists(st.sampled_from([b"a", b":", b" ", b"\t", b"\r\n", b"\r", b"\n", b"Subject: x"])).map(b"".join)


@pytest.mark.parametrize(
    ("body", "relaxed", "simple"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n", b" C \r\nD \t E\r\n"),  # RFC 6376 §3.4.5
        (b"", b"", b"\r\n"),
        (b"\r\n\r\n", b"", b"\r\n"),
        (b" \r\n\t\r\n", b"", b" \r\n\t\r\n"),
        (b"x", b"x\r\n", b"x\r\n"),
        (b"x \t", b"x\r\n", b"x \t\r\n"),
        (b"x\n\r\n\r\n", b"x\n\r\n", b"x\n\r\n"),
        (b"x\r\n\n\r\n\r\n", b"x\r\n\n\r\n", b"x\r\n\n\r\n"),
        (b"x\r\r\n\r\n", b"x\r\r\n", b"x\r\r\n"),
        (b"  x\r\n", b" x\r\n", b"  x\r\n"),
    ],
)
def test_bodies(body: bytes, relaxed: bytes, simple: bytes) -> None:
    assert relaxed_body(body) == relaxed
    assert simple_body(body) == simple


@given(_BODIES)
@settings(max_examples=300, deadline=None)
def test_bodies_as_the_rules_say_it_one_after_the_other(body: bytes) -> None:
    spaced = re.sub(rb"[ \t]+(?=\r\n|\Z)", b"", body)
    expected = re.sub(rb"[ \t]+", b" ", spaced)
    expected = re.sub(rb"(?:\r\n)+\Z", b"", expected)
    assert relaxed_body(body) == (expected + b"\r\n" if expected else b"")
    kept = re.sub(rb"(?:\r\n)+\Z", b"", body)
    assert simple_body(body) == kept + b"\r\n"
    assert relaxed_body(relaxed_body(body)) == relaxed_body(body)


@given(_BODIES.filter(lambda body: b"\r" not in body.replace(b"\r\n", b"") and b"\n" not in body.replace(b"\r\n", b"")))
@settings(max_examples=200, deadline=None)
def test_bodies_of_whole_lines_as_dkimpy_makes_them(body: bytes) -> None:
    whole = body + b"\r\n"
    assert relaxed_body(whole) == Relaxed.canonicalize_body(whole)
    assert simple_body(whole) == (Simple.canonicalize_body(whole) or b"\r\n")


@pytest.mark.parametrize(
    ("field", "relaxed"),
    [
        (b"A: X\r\n", b"a:X\r\n"),
        (b"B : Y\t\r\n\tZ  \r\n", b"b:Y Z\r\n"),  # RFC 6376 §3.4.5
        (b"SUBJECT:\r\n \r\n", b"subject:\r\n"),
        (b"Subject: a:b \r\n", b"subject:a:b\r\n"),
    ],
)
def test_fields(field: bytes, relaxed: bytes) -> None:
    assert relaxed_field(field) == relaxed


@given(_HEADERS)
@settings(max_examples=300, deadline=None)
def test_a_header_is_its_fields(text: bytes) -> None:
    header, body = parted(text)
    fields = fields_of(header)
    assert b"".join(each.octets for each in fields) == header
    assert all(each.octets.endswith(b"\r\n") for each in fields)
    assert not any(each.octets[:1] in (b" ", b"\t") for each in fields[1:])
    rest = text if not text or text.endswith(b"\r\n") or body or b"\r\n\r\n" in b"\r\n" + text else text + b"\r\n"
    assert rest in (header + b"\r\n" + body, header)


@given(st.lists(st.sampled_from(_BODY_PIECES), min_size=8), st.integers(1, 9))
@settings(max_examples=300, deadline=None)
def test_a_large_body_is_taken_in_pieces_and_none_shows(pieces: list[bytes], at_once: int) -> None:
    body = b"".join(pieces)
    whole = relaxed_body(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canonical, "_AT_ONCE", at_once)
        assert relaxed_body(body) == whole


def test_the_last_of_a_name_is_taken_first() -> None:
    header = b"To: 1\r\nX: 2\r\nto : 3\r\nfrom\r\n"
    fields = fields_of(header)
    assert fields[2:] == [Field(b"to", b"to : 3\r\n"), Field(b"", b"from\r\n")]
    assert selected(stacks_of(header, frozenset((b"to", b"from", b"x"))), [b"to", b"to", b"to", b"from", b"x"]) == [
        b"to : 3\r\n",
        b"To: 1\r\n",
        b"X: 2\r\n",
    ]


def test_hostile_bodies_cost_one_pass() -> None:
    """Each takes hours where a step is quadratic."""
    for piece in (b" ", b"\r\n", b"\n\r", b" \r\n", b"\t \n\r"):
        body = piece * 2_000_000
        assert len(relaxed_body(body)) <= len(body) + 2
        assert len(simple_body(body)) <= len(body) + 2
