"""delivery/trace_headers.py: RFC 5321 §4.4, RFC 3848, RFC 6531 §4.3."""

import pytest

from mailserverd.delivery import trace_headers
from mailserverd.delivery.trace_headers import (
    DateLine,
    TlsSeen,
    address_literal,
    examine,
    protocol_keyword,
    received_start,
    trace_prefix,
    without_fields,
)


@pytest.mark.parametrize(
    ("lmtp", "esmtp", "utf8", "tls", "authenticated", "keyword"),
    [
        (False, False, False, False, False, "SMTP"),
        (False, True, False, False, False, "ESMTP"),
        (False, True, False, True, False, "ESMTPS"),
        (False, True, False, True, True, "ESMTPSA"),
        (False, True, False, False, True, "ESMTPA"),
        (False, True, True, False, False, "UTF8SMTP"),
        (False, True, True, True, True, "UTF8SMTPSA"),
        (True, True, False, False, False, "LMTP"),
        (True, True, False, True, False, "LMTPS"),
        (True, True, True, True, False, "UTF8LMTPS"),
    ],
)
def test_keywords(lmtp: bool, esmtp: bool, utf8: bool, tls: bool, authenticated: bool, keyword: str) -> None:
    assert protocol_keyword(lmtp, esmtp, utf8, tls, authenticated) == keyword


def test_literals() -> None:
    assert address_literal("192.0.2.1") == "[192.0.2.1]"
    assert address_literal("2001:db8::1") == "[IPv6:2001:db8::1]"
    assert address_literal("fe80::1%eth0") == "[IPv6:fe80::1]"
    assert address_literal("") == "[unknown]"


def test_the_lines() -> None:
    start = received_start(b"client.example", "192.0.2.1", "mx.example.org", "ESMTPS", TlsSeen("TLSv1.3", "AES"))
    assert trace_prefix(b"x@y", start, "q1", b"anna@example.org", b"DATE") == (
        b"Return-Path: <x@y>\r\n"
        b"Received: from client.example ([192.0.2.1])\r\n"
        b"\t(using TLSv1.3 with cipher AES)\r\n"
        b"\tby mx.example.org with ESMTPS\r\n"
        b"\tid q1\r\n"
        b"\tfor <anna@example.org>;\r\n"
        b"\tDATE\r\n"
    )


def test_nobody_is_named_where_there_are_several() -> None:
    start = received_start(b"%b", "192.0.2.1", "mx.example.org", "SMTP", None)
    lines = trace_prefix(b"", start, "q1", None, b"DATE")
    assert b"for <" not in lines
    assert lines.startswith(b"Return-Path: <>\r\nReceived: from %b ([192.0.2.1])\r\n")
    assert lines.endswith(b"id q1;\r\n\tDATE\r\n")


def test_dates_are_utc_and_made_once_a_second() -> None:
    now = [1_700_000_000.2]
    dates = DateLine(lambda: now[0])
    assert dates.now() == b"Tue, 14 Nov 2023 22:13:20 +0000"
    first = dates.now()
    now[0] += 0.5
    assert dates.now() is first
    now[0] += 1
    assert dates.now() == b"Tue, 14 Nov 2023 22:13:21 +0000"


@pytest.mark.parametrize("at_once", [1_048_576, *range(1, 40)])
def test_examine(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_headers, "_EXAMINED_AT_ONCE", at_once)
    message = b"RECEIVED: a\r\nx: 1\r\nreceived: b\r\nReceived-SPF: no\r\nReturn-Path: <a>\r\n\r\nReceived: body\r\n"
    facts = examine(message)
    assert (facts.received, facts.return_path) == (2, True)
    assert message[facts.length :] == b"\r\nReceived: body\r\n"


def test_examine_messages_without_one_of_the_parts() -> None:
    assert examine(b"\r\nReceived: body\r\n") == (0, False, 0)
    assert examine(b"Received: all header").received == 1
    assert examine(b"") == (0, False, 0)


@pytest.mark.parametrize(
    ("message", "without"),
    [
        (b"Return-Path: <a>\r\nx: 1\r\n\r\nb", b"x: 1\r\n\r\nb"),
        (b"x: 1\r\nreturn-PATH : <a>\r\n\t<b>\r\n y\r\nz: 2\r\n\r\nb", b"x: 1\r\nz: 2\r\n\r\nb"),
        (b"x: 1\r\nReturn-Path:\r\n\r\nReturn-Path: b", b"x: 1\r\n\r\nReturn-Path: b"),
        (b"Return-Path: 1\r\nReturn-Path: 2\r\n\r\n", b"\r\n"),
        (b"X-Return-Path: 1\r\nno colon\r\n\r\n", b"X-Return-Path: 1\r\nno colon\r\n\r\n"),
        (b"Return-Path: all header", b""),
    ],
)
def test_fields_taken_out(message: bytes, without: bytes) -> None:
    assert without_fields(message, examine(message).length, b"return-path") == without
