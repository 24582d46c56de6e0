"""The EHLO keyword list, computed from what is on for a session.

Standing rule: a keyword stands here only where the server obeys all of its RFC.
"""

from typing import NamedTuple


class Offer(NamedTuple):
    """What a session offers now. mechanisms: SASL mechanisms, () where AUTH is not offered now."""

    max_message_bytes: int
    max_recipients: int
    starttls: bool
    mechanisms: tuple[str, ...] = ()


def keyword_lines(offer: Offer) -> list[str]:
    lines = [
        "PIPELINING",  # RFC 2920
        f"SIZE {offer.max_message_bytes}",  # RFC 1870
        "8BITMIME",  # RFC 6152
        "SMTPUTF8",  # RFC 6531
        "ENHANCEDSTATUSCODES",  # RFC 2034
        "CHUNKING",  # RFC 3030
        "BINARYMIME",  # RFC 3030
        f"LIMITS RCPTMAX={offer.max_recipients}",  # RFC 9422
    ]
    if offer.starttls:
        lines.append("STARTTLS")  # RFC 3207
    if offer.mechanisms:
        lines.append("AUTH " + " ".join(offer.mechanisms))  # RFC 4954
    return lines


def mail_parameters(offer: Offer, authentication: bool) -> frozenset[bytes]:
    """The parameters of MAIL that go with these keywords. authentication: AUTH is, or was, offered."""
    names = {b"SIZE", b"BODY", b"SMTPUTF8"}
    if authentication:
        names.add(b"AUTH")
    return frozenset(names)
