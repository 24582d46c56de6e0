"""The Sender Rewriting Scheme: a reverse-path of ours for mail that we forward, and the way back for its bounces.

    SRS0=HHHHHH=TT=example.net=alice@forwarder.example      of alice@example.net
    SRS1=HHHHHH=first.example==HHHH=TT=example.net=alice@forwarder.example   of an SRS0 address of first.example

Standing rules: nothing is reversed that was not made here (HMAC) or that is too old; hashes are compared without regard
to case, as some servers on the way change it; a path that would be longer than 254 octets is not made.
"""

import hmac
import re
from base64 import b32encode

from mailserverd.wire.smtp.path import BadPath, Path, parse_path

DAY_SECONDS = 86400
VALID_DAYS = 21
_MAX_PATH = 254  # RFC 5321 §4.5.3.1.3, without the brackets
_HASH_LETTERS = 6
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_DAYS = len(_ALPHABET) ** 2  # the timestamp comes round after these
_mark = re.compile(rb"SRS([01])[=+-]", re.IGNORECASE).match


class NotReversible(ValueError):
    """Not a local part that was made here, or one that is too old."""


class CannotRewrite(ValueError):
    """The rewritten path would be longer than servers take, or makes no sense."""


def is_rewritten(local: bytes) -> bool:
    """Whether it looks like a local part of SRS."""
    return _mark(local) is not None


def rewritten(path: Path, domain: bytes, secret: bytes, now: int) -> Path:
    """path: the reverse-path, not the null one. Raises CannotRewrite."""
    mark = _mark(path.local)
    if mark is None:
        payload = b"%b=%b=%b" % (_stamp(now), path.domain, path.local)
        made = b"SRS0=%b=%b" % (_hash(secret, payload), payload)
    elif path.domain.lower() == domain.lower():
        return path  # it was rewritten here before
    else:
        if mark[1] == b"0":
            payload = path.domain + b"=" + path.local[4:]  # with the separator that the first forwarder chose
        else:
            payload = path.local[mark.end() :].partition(b"=")[2]  # the second forwarder is left out
        if not payload.partition(b"=")[2]:
            raise CannotRewrite("no address of SRS, though it looks like one")
        made = b"SRS1=%b=%b" % (_hash(secret, payload), payload)
    new = Path(made, domain)
    if len(new.wire) > _MAX_PATH:
        raise CannotRewrite("the rewritten path would be too long")
    return new


def reversed_path(local: bytes, secret: bytes, now: int) -> Path:
    """Where a bounce to this local part of ours goes. Raises NotReversible."""
    mark = _mark(local)
    if mark is None:
        raise NotReversible("not an address of SRS")
    given, _, payload = local[mark.end() :].partition(b"=")
    if not hmac.compare_digest(given.upper(), _hash(secret, payload)):
        raise NotReversible("not made here")
    if mark[1] == b"1":
        first, _, rest = payload.partition(b"=")
        return _checked(Path(b"SRS0" + rest, first))
    stamp, _, path = payload.partition(b"=")
    if _age(stamp, now) > VALID_DAYS:
        raise NotReversible("too old")
    host, _, original = path.partition(b"=")
    return _checked(Path(original, host))


def _checked(path: Path) -> Path:
    """What was signed here came from elsewhere: it is a path, or it is nothing."""
    try:
        found, end = parse_path(b"<" + path.wire + b">", 0, forward=True)
    except BadPath:
        raise NotReversible("no path") from None
    if end != len(path.wire) + 2 or not found.domain:
        raise NotReversible("no path")
    return found


def _hash(secret: bytes, payload: bytes) -> bytes:
    """Of the lower-case form, in letters of one case: on its way the case of an address may change."""
    return b32encode(hmac.digest(secret, payload.lower(), "sha256"))[:_HASH_LETTERS]


def _stamp(now: int) -> bytes:
    day = now // DAY_SECONDS % _DAYS
    return (_ALPHABET[day >> 5] + _ALPHABET[day & 31]).encode()


def _age(stamp: bytes, now: int) -> int:
    """Days since; a stamp of tomorrow (clocks differ) is of today."""
    letters = [_ALPHABET.find(letter) for letter in stamp.decode("ascii", "replace").upper()]
    if len(letters) != 2 or min(letters) < 0:
        raise NotReversible("no timestamp")
    age = (now // DAY_SECONDS - (letters[0] << 5 | letters[1])) % _DAYS
    return 0 if age == _DAYS - 1 else age
