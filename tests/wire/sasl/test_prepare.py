import pytest

from mailserverd.wire.sasl.prepare import MAX_PASSWORD_OCTETS, opaque_string, saslprep, scram_password


def test_ascii_is_itself():
    assert opaque_string(b"correct horse battery") == "correct horse battery"
    assert saslprep("pencil") == "pencil"


@pytest.mark.parametrize(
    ("password", "prepared"),
    [
        (
            "Correct Horse Battery Staple",
            "Correct Horse Battery Staple",
        ),  # RFC 8265 §4.3, table 3, example 1: case stays
        ("πßå", "πßå"),  # example 3
        ("Jack of ♦s", "Jack of ♦s"),  # example 4
        ("foo\u1680bar", "foo bar"),  # example 5: ogham space mark
        ("e\u0301", "é"),  # NFC
    ],
)
def test_opaque_string(password, prepared):
    assert opaque_string(password.encode()) == prepared
    assert opaque_string(password) == prepared


@pytest.mark.parametrize(
    "password",
    [
        b"",
        b"\xff\xfe",
        b"my cat is a \x09by",
        b"nul\0",
        "\u2028".encode(),
        "\u0378".encode(),
        b"x" * (MAX_PASSWORD_OCTETS + 1),
    ],
)
def test_opaque_string_refuses(password):
    assert opaque_string(password) is None


def test_text_that_is_too_long_once_encoded_is_refused():
    assert opaque_string("é" * MAX_PASSWORD_OCTETS) is None
    assert opaque_string("") is None


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),  # RFC 4013 §3, example 1
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("\x07", None),  # example 6
        ("\u0627\u0031", None),  # example 7: bidirectional check
        ("\u0627b\u0627", None),
        ("\u0627\u0031\u0628", "\u0627\u0031\u0628"),
        ("a\u00a0b", "a b"),
    ],
)
def test_saslprep(text, prepared):
    assert saslprep(text) == prepared


def test_scram_starts_from_saslprep_or_else_from_the_string_itself():
    assert scram_password("\u2168") == b"IX"
    assert scram_password("\ue000") == "\ue000".encode()  # private use: SASLprep refuses it
