"""Local parts of addresses that this server made itself and knows again: signed, so that nobody else can make one.

Standing rules: the same value gives the same address for ever; read without regard to case, for servers on the way
change it; at most 64 octets (RFC 5321 §4.5.3.1.1); what is not ours, or was changed, is None. Pure.
"""

import hmac
from base64 import b32encode
from typing import NamedTuple

MAC_CHARACTERS = 12  # 60 bits


class Place(NamedTuple):
    """A recipient of a message, as in the queue."""

    queue_id: str
    position: int


def mac(secret: bytes, *parts: str) -> str:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return b32encode(hmac.digest(secret, text, "sha256")).decode("ascii").lower()[:MAC_CHARACTERS]


def signed(secret: bytes, prefix: str, place: Place) -> str:
    """ "prefix-queueid-position-mac". prefix: what the address is for; it holds no hyphen."""
    return f"{prefix}-{place.queue_id}-{place.position:x}-{mac(secret, prefix, place.queue_id, str(place.position))}"


def unsigned(secret: bytes, prefix: str, local: str) -> Place | None:
    if len(local) > 64 or not local.isascii():
        return None
    parts = local.lower().split("-")
    if len(parts) != 4 or parts[0] != prefix or not 0 < len(parts[2]) <= 8:
        return None
    try:
        position = int(parts[2], 16)
    except ValueError:
        return None
    place = Place(parts[1], position)
    expected = signed(secret, prefix, place)
    return place if hmac.compare_digest(expected.encode(), local.lower().encode()) else None
