"""Incoming DSN and ARF: whatever comes, they answer, within bounds, and linear in the octets."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.arf.feedback import MAX_RECIPIENTS, FeedbackReport, read_feedback
from mailserverd.wire.dsn.incoming import IncomingReport, guessed, read_report
from mailserverd.wire.dsn.report_parts import MAX_FIELDS, field_blocks, typed_address
from tests.wire.arf.test_feedback import REPORT
from tests.wire.dsn.test_incoming import POSTFIX

PIECES = st.sampled_from(
    [
        *POSTFIX.splitlines(keepends=True),
        *REPORT.splitlines(keepends=True),
        b"\r\n",
        b"\n",
        b"\x00\xff",
        b"--",
        b"Final-Recipient: rfc822;",
        b"Action: failed\n",
        b"Status: 5.999.999\n",
        b"Content-Transfer-Encoding: base64\n",
        b"\xc3\xb6@x",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=60).map(b"".join) | st.binary(max_size=400))
def test_any_octets_are_answered(octets: bytes) -> None:
    report = read_report(octets)
    assert isinstance(report, IncomingReport)
    for each in report.recipients:
        assert each.action
        assert not each.final or "@" in each.final
        assert 0 <= each.code < 600
    found = read_feedback(octets)
    assert found is None or isinstance(found, FeedbackReport)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(POSTFIX)), st.binary(max_size=20), st.integers(0, len(REPORT)))
def test_a_real_report_cut_and_soiled_anywhere(at: int, rubbish: bytes, other: int) -> None:
    for each in (POSTFIX[:at] + rubbish + POSTFIX[at:], POSTFIX[:at] + REPORT[other:], REPORT[:other]):
        read_report(each)
        read_feedback(each)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    address = typed_address(text)
    assert address == "" or (address.isprintable() and "@" in address)
    found = guessed(text)
    assert found is None or found.code


def test_large_reports_are_read_within_bounds() -> None:
    block = b"Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n\n"
    head = b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nR: x\n\n"
    began = time.perf_counter()
    report = read_report(head + block * 200_000)
    assert len(report.recipients) <= 1_001
    assert sum(map(len, field_blocks(b"a: b\n" * 500_000))) == MAX_FIELDS
    many = REPORT.replace(b"Original-Rcpt-To: rfc822; other", b"Original-Rcpt-To: <x@y>\nOriginal-Rcpt-To: o")
    for rubbish in (b"\n \t" * 500_000, b" " * 1_000_000, b"a:" * 500_000, b"\n\n" * 500_000, b"550 " * 300_000):
        read_report(head + rubbish)
        read_feedback(many + rubbish)
        guessed(rubbish.decode())
    found = read_feedback(REPORT.replace(b"Original-Rcpt-To: <user", b"Original-Rcpt-To: <u@x>\n" * 5_000 + b"X: <"))
    assert found is not None
    assert len(found.recipients) <= MAX_RECIPIENTS
    assert time.perf_counter() - began < 20
