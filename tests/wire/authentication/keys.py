"""Keys that are made once for all tests, and a DNS of them for dkimpy."""

from collections.abc import Iterable
from functools import lru_cache

from mailserverd.wire.authentication.signing_key import SigningKey, new_key
from tests.wire.authentication.curve import teach_dkimpy

teach_dkimpy()


@lru_cache
def key(kind: str, domain: str = "example.org", selector: str = "sel") -> SigningKey:
    return new_key(domain, f"{selector}-{kind}", kind)


class Published:
    """dnsfunc of dkimpy."""

    def __init__(self, keys: Iterable[SigningKey]) -> None:
        self._records = {f"{each.record_name}.".encode(): each.record().encode() for each in keys}

    def __call__(self, name: bytes | str, timeout: float = 5) -> bytes | None:
        wanted = name if isinstance(name, bytes) else name.encode()
        return self._records.get(wanted)
