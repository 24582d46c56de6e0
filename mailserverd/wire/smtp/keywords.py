"""The EHLO keyword list, computed from what is on for a session.

Standing rule: a keyword stands here only where the server obeys all of its RFC.
"""

from typing import NamedTuple

from mailserverd.wire.smtp.options import MAX_HOLD_SECONDS


class Offer(NamedTuple):
    """What a session offers now. mechanisms: SASL mechanisms, () where AUTH is not offered now.

    sends: mail to other servers is taken here, with all that can be asked for it; tls: the session has TLS.
    """

    max_message_bytes: int
    max_recipients: int
    starttls: bool
    mechanisms: tuple[str, ...] = ()
    sends: bool = False
    tls: bool = False


def keyword_lines(offer: Offer, latest: str = "") -> list[str]:
    """latest: the date up to which FUTURERELEASE holds mail now (RFC 3339)."""
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
    if offer.sends:
        lines += [
            "DSN",  # RFC 3461
            "DELIVERBY",  # RFC 2852
            "MT-PRIORITY",  # RFC 6710
            f"FUTURERELEASE {MAX_HOLD_SECONDS} {latest}",  # RFC 4865
        ]
        if offer.tls:
            lines.append("REQUIRETLS")  # RFC 8689 §2: over TLS only
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
    if offer.sends:
        names |= {b"RET", b"ENVID", b"BY", b"MT-PRIORITY", b"HOLDFOR", b"HOLDUNTIL"}
        if offer.tls:
            names.add(b"REQUIRETLS")
    return frozenset(names)


def recipient_parameters(offer: Offer) -> frozenset[bytes]:
    """The parameters of RCPT that go with these keywords."""
    return frozenset((b"NOTIFY", b"ORCPT")) if offer.sends else frozenset()
