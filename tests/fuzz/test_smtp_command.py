"""The command parsers: nothing but BadCommand and BadPath escapes; what was parsed can be written and parsed again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.smtp.command import parse_bdat, parse_mail, parse_name, parse_rcpt
from mailserverd.wire.smtp.keywords import Offer, mail_parameters, recipient_parameters
from mailserverd.wire.smtp.path import BadPath, parse_path
from mailserverd.wire.smtp.reply import BadCommand

OFFER = Offer(1000, 10, starttls=True, sends=True, tls=True)
ALL, ALL_OF_RCPT = mail_parameters(OFFER, authentication=True), recipient_parameters(OFFER)
words = st.sampled_from(
    [b"FROM:", b"TO:", b"<", b">", b"@", b"a", b"b.example", b'"', b"\\", b" ", b"SIZE=", b"9", b"SMTPUTF8", b"BODY=",
     b"8BITMIME", b"AUTH=<>", b"=", b"NOTIFY=", b"NEVER", b"ORCPT=rfc822;", b"BY=", b"9;R", b"+2B", b"HOLDFOR=",
     b"HOLDUNTIL=2026-", b"MT-PRIORITY=", b"RET=", b"ENVID=",
     b"[127.0.0.1]", b"[IPv6:::1]", b",", b":", b".", b"-", b"\xc3\xa4", b"\xff", b"\t"]
)  # fmt: skip
lines = st.lists(words, max_size=25).map(b"".join) | st.binary(max_size=100)


@settings(max_examples=200, deadline=None)
@given(lines)
def test_only_bad_commands_escape(line: bytes) -> None:
    for parse in (
        lambda: parse_mail(line, ALL),
        lambda: parse_mail(b"FROM:<" + line, ALL),
        lambda: parse_rcpt(line, True, ALL_OF_RCPT),
        lambda: parse_rcpt(b"TO:<" + line, False, ALL_OF_RCPT),
        lambda: parse_bdat(line),
        lambda: parse_name(line),
    ):
        reply = b"5\r\n"
        try:
            parse()
        except BadCommand as error:
            reply = error.reply
        assert reply.endswith(b"\r\n")
        assert reply.count(b"\n") == 1
        assert reply[:1] == b"5"


@settings(max_examples=200, deadline=None)
@given(lines)
def test_a_path_written_and_read_again_is_the_same(line: bytes) -> None:
    try:
        path, end = parse_path(b"<" + line + b">", 0, forward=False)
    except BadPath:
        return
    assert 0 < end <= len(line) + 2
    assert parse_path(b"<" + path.wire + b">", 0, forward=False) == (path, len(path.wire) + 2)
    assert not set(b"\r\n\0<>") & set(path.wire) or b'"' in path.wire
    path.address.encode()


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60))
def test_any_printable_local_part_can_be_quoted(local: str) -> None:
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    path, _ = parse_path(f'<"{escaped}"@b.example>'.encode(), 0, forward=True)
    assert path.local == local.encode()


def test_long_input_is_read_in_linear_time() -> None:
    for hostile in (b"a." * 50_000, b"@a," * 50_000, b'"' + b"\\a" * 50_000, b"a-" * 50_000, b"a@" + b"b-" * 50_000):
        with pytest.raises(BadPath):
            parse_path(b"<" + hostile + b"!\0", 0, forward=True)
