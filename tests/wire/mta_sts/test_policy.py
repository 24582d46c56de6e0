"""RFC 8461 §3: the record and the policy."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.mta_sts.policy import (
    MAX_AGE_SECONDS,
    MAX_POLICY_OCTETS,
    BadPolicy,
    Mode,
    StsPolicy,
    parse_policy,
    parse_record,
)

GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ((b"v=STSv1; id=20160831085700Z;",), "20160831085700Z"),
        ((b"v=STSv1;id=a",), "a"),
        ((b"v=STSv1 ; x=y; id = a ;",), "a"),
        ((b"other", b"v=STSv1; id=a;"), "a"),
        ((b"v=STSv1; id=a;", b"v=STSv1; id=b;"), None),
        ((), None),
        ((b"v=STSv1",), None),
        ((b"v=STSv10; id=a;",), None),
        ((b"id=a; v=STSv1;",), None),
        ((b"v=STSv1; id=;",), None),
        ((b"v=STSv1; id=a-b;",), None),
        ((b"v=STSv1; id=" + b"a" * 33,), None),
    ],
)
def test_records(texts: tuple[bytes, ...], found: str | None) -> None:
    assert parse_record(texts) == found


def test_a_policy() -> None:
    assert parse_policy(GOOD) == StsPolicy(
        Mode.ENFORCE,
        ("mail.example.com", "*.example.net"),
        604800,
        ("version: STSv1", "mode: enforce", "mx: mail.example.com", "mx: *.example.net", "max_age: 604800"),
    )


def test_bare_line_feeds_unknown_keys_and_a_missing_last_line_end() -> None:
    found = parse_policy(b"version:STSv1\nmode : testing\nfuture: x:y\n\nmax_age: 1\nmx:A.example.\nmode: enforce")
    assert (found.mode, found.patterns, found.max_age) == (Mode.TESTING, ("a.example",), 1)


def test_mode_none_needs_no_mx_and_ages_are_bounded() -> None:
    found = parse_policy(b"version: STSv1\nmode: none\nmax_age: 9999999999\n")
    assert found == StsPolicy(Mode.NONE, (), MAX_AGE_SECONDS, found.text)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        GOOD.replace(b"STSv1", b"STSv2"),
        GOOD.replace(b"enforce", b"strict"),
        GOOD.replace(b"604800", b"-1"),
        GOOD.replace(b"604800", b"1e3"),
        GOOD.replace(b"604800", "١".encode()),
        GOOD.replace(b"max_age", b"age"),
        b"version: STSv1\nmode: enforce\nmax_age: 1\n",
        GOOD.replace(b"*.example.net", b"*.*.net"),
        GOOD.replace(b"*.example.net", b"mail.*.net"),
        GOOD.replace(b"*.example.net", b"a b"),
        GOOD.replace(b"*.example.net", b""),
        GOOD + b"nonsense\n",
        GOOD + b"\xff: x\n",
        GOOD + b"mx: m.example\n" * 300,
        GOOD + b"x" * MAX_POLICY_OCTETS,
        b"<html><body>not found: </body></html>",
    ],
)
def test_what_is_no_policy(octets: bytes) -> None:
    with pytest.raises(BadPolicy):
        parse_policy(octets)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("mail.example.com", True),
        ("MAIL.example.com.", True),
        ("x.mail.example.com", False),
        ("example.com", False),
        ("a.example.net", True),
        ("a.b.example.net", False),
        ("example.net", False),
        (".example.net", False),
        ("", False),
    ],
)
def test_patterns(host: str, allowed: bool) -> None:
    assert parse_policy(GOOD).allows(host) is allowed


@given(st.binary(max_size=400) | st.text(alphabet="version: STSv1modeforcax_g\r\n*.", max_size=200).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_nothing_but_bad_policy_escapes(octets: bytes) -> None:
    with contextlib.suppress(BadPolicy):
        assert isinstance(parse_policy(octets), StsPolicy)
    parse_record((octets,))
