import pytest

from mailserverd.wire.sasl.plain import Plain
from mailserverd.wire.sasl.steps import Challenge, Fault, PasswordGiven


def test_initial_response():
    assert Plain().start(b"\0anna@example.org\0p w") == PasswordGiven("anna@example.org", "", b"p w")


def test_without_initial_response_there_is_an_empty_challenge():
    plain = Plain()
    assert plain.start(None) == Challenge(b"")
    assert plain.step(b"other\0anna\0pw") == PasswordGiven("anna", "other", b"pw")


def test_password_octets_pass_untouched():
    assert Plain().start("\0ä\0".encode() + b"\xff").password == b"\xff"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"anna",
        b"\x00anna",
        b"\x00anna\x00",
        b"\x00\x00pw",
        b"\x00anna\x00pw\x00",
        b"\x00\xff\x00pw",
        b"\xff\x00anna\x00pw",
        b"\x00" + b"a" * 513 + b"\x00pw",
        b"a" * 513 + b"\x00a\x00pw",
        b"\x00a\x00" + b"p" * 1025,
    ],
)
def test_malformed(message):
    assert Plain().start(message).fault is Fault.MALFORMED
