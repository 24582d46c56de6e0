"""One record that is to be published, and the line of a zone file for it (RFC 1035 §5.1).

Standing rules: names are A-labels without a last dot, which the line puts there; a text is one value, however many
strings of 255 octets the DNS needs for it.
"""

from typing import NamedTuple

MAX_STRING = 255  # RFC 1035 §3.3.14


class Record(NamedTuple):
    """kind: "MX", "TXT" ... value: a text's own text, else what stands behind the type, names with their last dot.

    what: one or two words for people. why: what it is for, in a sentence.
    """

    name: str
    kind: str
    value: str
    what: str
    why: str = ""

    def line(self, ttl: int) -> str:
        value = quoted(self.value) if self.kind == "TXT" else self.value
        return f"{self.name}. {ttl} IN {self.kind} {value}"


def quoted(text: str) -> str:
    """As character-strings; what is no printable ASCII is written by its number."""
    octets = text.encode()
    strings = [octets[at : at + MAX_STRING] for at in range(0, len(octets), MAX_STRING)] or [b""]
    return " ".join(f'"{"".join(map(_character, each))}"' for each in strings)


def _character(octet: int) -> str:
    if octet in b'"\\':
        return "\\" + chr(octet)
    return chr(octet) if 32 <= octet < 127 else f"\\{octet:03d}"
