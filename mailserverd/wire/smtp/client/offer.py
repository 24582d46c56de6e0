"""What a server offers in its answer to EHLO or LHLO (RFC 5321 §4.1.1.1).

Standing rule: a keyword that is not understood is no offer; a value that breaks its grammar is not there.
"""

from typing import NamedTuple

from mailserverd.wire.smtp.client.reply import Reply

MAX_DIGITS = 20  # RFC 1870 §3


class PeerOffer(NamedTuple):
    """max_octets: of a message (RFC 1870), 0: not said. mechanisms: of AUTH, in upper case. max_recipients,
    max_messages: of a transaction and a session (RFC 9422), 0: not said. least_seconds: of DELIVERBY (RFC 2852 §2)."""

    keywords: frozenset[str] = frozenset()
    max_octets: int = 0
    mechanisms: frozenset[str] = frozenset()
    max_recipients: int = 0
    max_messages: int = 0
    least_seconds: int = 0


NOTHING = PeerOffer()


def read_offer(reply: Reply) -> PeerOffer:
    """The first line is the server's name, every other one a keyword with its values."""
    keywords = set()
    mechanisms: set[str] = set()
    numbers = {"SIZE": 0, "DELIVERBY": 0, "RCPTMAX": 0, "MAILMAX": 0}
    for line in reply.lines[1:]:
        name, *values = line.decode("latin-1").upper().split() or [""]
        if name.startswith("AUTH="):  # a form older than RFC 4954 that is still sent beside the right one
            name, values = "AUTH", [name[5:], *values]
        if not name.isascii() or not name.replace("-", "").isalnum():
            continue
        keywords.add(name)
        if name == "AUTH":
            mechanisms.update(filter(str.isascii, values))
        elif name == "LIMITS":
            for each in values:
                limit, _, value = each.partition("=")
                if limit in numbers:
                    numbers[limit] = _number(value)
        elif name in numbers and values:
            numbers[name] = _number(values[0])
    return PeerOffer(
        frozenset(keywords),
        numbers["SIZE"],
        frozenset(mechanisms - {""}),
        numbers["RCPTMAX"],
        numbers["MAILMAX"],
        numbers["DELIVERBY"],
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else 0
