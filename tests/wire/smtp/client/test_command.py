import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.smtp.client.command import BadArgument, MailParameters, hello, mail, rcpt, wire_path, xtext
from mailserverd.wire.smtp.path import parse_path


def test_plain_commands() -> None:
    assert hello("EHLO", "mx.example") == b"EHLO mx.example\r\n"
    assert hello("LHLO", "[IPv6:2001:db8::1]") == b"LHLO [IPv6:2001:db8::1]\r\n"
    assert mail(b"", MailParameters()) == b"MAIL FROM:<>\r\n"
    assert rcpt(b"a@b.example") == b"RCPT TO:<a@b.example>\r\n"


def test_parameters() -> None:
    given = MailParameters(4096, "8BITMIME", True, "HDRS", "a+b=c d", True, -3, "120;R")
    assert mail(b"a@b.example", given) == (
        b"MAIL FROM:<a@b.example> SIZE=4096 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb+3Dc+20d REQUIRETLS"
        b" MT-PRIORITY=-3 BY=120;R\r\n"
    )
    assert rcpt(b"a@b.example", "FAILURE,DELAY", "rfc822;a+2Bb@c.example") == (
        b"RCPT TO:<a@b.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+2Bb@c.example\r\n"
    )


def test_an_original_recipient_beyond_ascii() -> None:
    assert rcpt(b"a@b.example", "", "utf-8;ü+=\\x{E4}@b.example") == (
        b"RCPT TO:<a@b.example> ORCPT=utf-8;\\x{FC}\\x{2B}\\x{3D}\\x{E4}@b.example\r\n"
    )


@pytest.mark.parametrize("bad", ["a b", "a\r\nRSET", "a\n", "\0", "é ", "a=b", ""])
def test_a_parameter_holds_no_other(bad: str) -> None:
    if bad:
        with pytest.raises(BadArgument):
            rcpt(b"a@b.example", notify=bad)
        with pytest.raises(BadArgument):
            rcpt(b"a@b.example", orcpt=bad)
        with pytest.raises(BadArgument):
            mail(b"", MailParameters(ret=bad))
    with pytest.raises(BadArgument):
        hello("EHLO", bad)


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_an_envelope_identifier_stays_in_its_place(envid: str) -> None:
    line = mail(b"", MailParameters(envid=envid))
    assert line.count(b"\r\n") == 1
    assert line.endswith(b"\r\n")
    assert b"\0" not in line
    assert len(line.split()) == (3 if envid else 2)


def test_xtext() -> None:
    assert xtext("ü+") == b"+C3+BC+2B"


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("a.b@c.example", b"a.b@c.example"),
        ("a b@c.example", b'"a b"@c.example'),
        ('a"b\\@c.example', b'"a\\"b\\\\"@c.example'),
        ("a@b@c.example", b'"a@b"@c.example'),
        ("a@[192.0.2.1]", b"a@[192.0.2.1]"),
        ("a@under_score.example", b"a@under_score.example"),
        ("postmaster", b"postmaster"),
        ("a@MÜNCHEN.example", b"a@xn--mnchen-3ya.example"),
        ("a>b@c.example", b'"a>b"@c.example'),
    ],
)
def test_addresses(address: str, wire: bytes) -> None:
    assert wire_path(address, False) == wire


def test_utf8_addresses() -> None:
    assert wire_path("ü@münchen.example", True) == "ü@münchen.example".encode()
    with pytest.raises(BadArgument) as caught:
        wire_path("ü@x.example", False)
    assert caught.value.needs_utf8
    assert wire_path("", False, forward=False) == b""


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "@x.example",
        "a@",
        "a\r\nRCPT TO:<b>@x.example",
        "a@x.example\r\nDATA",
        "a@x.example\r\n",
        "a@x.example>",
        "a@x.example> BODY=8BITMIME",
        "a\0@x.example",
        "a\n@x.example",
        "a\u2028@x.example",
        "a\udc80@x.example",
        "a" * 300 + "@x.example",
        "a@-x.example",
        "a@x..example",
        "a@[1.2.3]",
        "a@" + "x" * 64 + ".example",
    ],
)
@pytest.mark.parametrize("utf8", [False, True])
def test_what_is_never_said(address: str, utf8: bool) -> None:
    with pytest.raises(BadArgument):
        wire_path(address, utf8)


@given(st.text(alphabet=st.characters(max_codepoint=0x2FF), max_size=30), st.booleans())
@settings(max_examples=300, deadline=None)
def test_whatever_is_said_is_read_back_as_one_path(address: str, utf8: bool) -> None:
    try:
        wire = wire_path(address, utf8)
    except BadArgument:
        return
    path, end = parse_path(b"<%b>" % wire, 0, True)
    assert end == len(wire) + 2
    assert b"\r" not in wire
    assert b"\n" not in wire
    assert b"\0" not in wire
    assert path.local.decode() == address.rpartition("@")[0] or not path.domain
    assert utf8 or wire.isascii()
