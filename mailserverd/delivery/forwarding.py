"""Mail that an alias leads to another server: the reverse-path that it goes on with, and the way back of its bounces.

Standing rules: a sender elsewhere is rewritten into a domain of ours (SRS), since the next server asks that domain who
may send for it; the null path and our own senders stay as they are; only what was rewritten here is led back.
"""

from collections.abc import Callable

from mailserverd.model.address import ascii_domain, canonical_domain
from mailserverd.wire.authentication.srs import CannotRewrite, NotReversible, is_rewritten, reversed_path, rewritten
from mailserverd.wire.smtp.path import BadPath, Path, parse_path


class Forwarding:
    """secret: Directory.server_secret("srs"). is_local: whether a domain is ours. seconds: the wall clock."""

    def __init__(self, secret: bytes, is_local: Callable[[str], bool], seconds: Callable[[], float]) -> None:
        self._secret = secret
        self._is_local = is_local
        self._seconds = seconds

    def sender(self, reverse_path: bytes, forwarded_by: str) -> bytes:
        """reverse_path: as it stood in MAIL; forwarded_by: the address here. Raises CannotRewrite."""
        if not reverse_path:
            return reverse_path
        try:
            path, _ = parse_path(b"<%b>" % reverse_path, 0, forward=False)
        except BadPath as error:
            raise CannotRewrite(str(error)) from error
        if self._is_local(canonical_domain(path.domain.decode())):
            return reverse_path
        ours = ascii_domain(forwarded_by.rpartition("@")[2]).encode()
        return rewritten(path, ours, self._secret, int(self._seconds())).wire

    def way_back(self, path: Path) -> Path | None:
        """Where mail for a rewritten address of ours goes; None: it is none, or it has grown old."""
        if not is_rewritten(path.local):
            return None
        try:
            return reversed_path(path.local, self._secret, int(self._seconds()))
        except NotReversible:
            return None
