"""The base64 lines that carry SASL in SMTP (RFC 4954 §4), IMAP (RFC 9051 §6.2.2) and POP3 (RFC 5034 §4).

Standing rule: strict: no white space, no characters outside the alphabet, right padding.
"""

import binascii

from mailserverd.wire.sasl.steps import Failed, Fault

MAX_LINE_OCTETS = 12_288  # RFC 4954 §4
CANCEL = b"*"
_CANCELLED = Failed(Fault.CANCELLED, "authentication cancelled")
_TOO_LONG = Failed(Fault.MALFORMED, "response too long")
_BAD = Failed(Fault.MALFORMED, "not valid base64")


def decode_response(line: bytes) -> bytes | Failed:
    """The octets of a response line (without CRLF); "*" alone is the client's way out."""
    if line == CANCEL:
        return _CANCELLED
    if len(line) > MAX_LINE_OCTETS:
        return _TOO_LONG
    try:
        return binascii.a2b_base64(line, strict_mode=True)
    except binascii.Error:
        return _BAD


def decode_initial(argument: bytes) -> bytes | Failed:
    """The octets of an initial response: "=" alone stands for an empty one (RFC 4954 §4)."""
    if argument == b"=":
        return b""
    return decode_response(argument)


def encode_challenge(octets: bytes) -> bytes:
    """The text that follows "334 " or "+ "."""
    return binascii.b2a_base64(octets, newline=False)
