"""What a client asks for beside sender and recipient: the parameters of MAIL and RCPT that are about sending.

Standing rules: values are checked here and kept decoded; what is not given has the default of its field; a value that
breaks its grammar is 501 5.5.4.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from mailserverd.wire.smtp.reply import BadCommand

MAX_ENVID_OCTETS = 100  # RFC 3461 §4.4
MAX_ORCPT_OCTETS = 500  # RFC 3461 §4.2
MAX_HOLD_SECONDS = 31_536_000  # what FUTURERELEASE announces: a year

_xtext = re.compile(rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")  # RFC 3461 §4
_hex = re.compile(rb"\+([0-9A-F]{2})")
_orcpt = re.compile(rb"([A-Za-z0-9-]{1,40});([\x21-\x7e\x80-\xff]+)")
_deliver_by = re.compile(rb"([+-]?[0-9]{1,9});([RNrn])([Tt]?)")  # RFC 2852 §4
_until = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})")


class MailOptions(NamedTuple):
    """ret: "FULL", "HDRS" or "". deliver_by: seconds from now, by_mode "R" or "N" ("": not asked for).

    hold_seconds: not before so many seconds; hold_until: not before this moment, epoch seconds; 0: now.
    """

    ret: str = ""
    envid: str = ""
    require_tls: bool = False
    priority: int = 0
    deliver_by: int = 0
    by_mode: str = ""
    hold_seconds: int = 0
    hold_until: int = 0


class RcptOptions(NamedTuple):
    """notify: "", "NEVER" or a comma list of "DELAY", "FAILURE", "SUCCESS". orcpt: "rfc822;user@example", decoded."""

    notify: str = ""
    orcpt: str = ""


NO_MAIL_OPTIONS = MailOptions()
NO_RCPT_OPTIONS = RcptOptions()


def mail_options(given: dict[bytes, bytes | None]) -> MailOptions:
    """Of the parameters of MAIL, by upper-case name; others are passed over. Raises BadCommand."""
    found = NO_MAIL_OPTIONS
    for name, value in given.items():
        if name == b"RET":
            found = found._replace(ret=_one_of(name, value, (b"FULL", b"HDRS")))
        elif name == b"ENVID":
            found = found._replace(envid=_envid(value))
        elif name == b"REQUIRETLS":
            if value is not None:
                raise _bad(name)
            found = found._replace(require_tls=True)
        elif name == b"MT-PRIORITY":
            found = found._replace(priority=_priority(value))
        elif name == b"BY":
            seconds, mode = _by(value)
            found = found._replace(deliver_by=seconds, by_mode=mode)
        elif name == b"HOLDFOR":
            found = found._replace(hold_seconds=_hold_for(value))
        elif name == b"HOLDUNTIL":
            found = found._replace(hold_until=_hold_until(value))
    if found.hold_seconds and found.hold_until:  # RFC 4865 §4: one of the two
        raise BadCommand(501, "5.5.4", "HOLDFOR and HOLDUNTIL do not go together")
    return found


def rcpt_options(given: dict[bytes, bytes | None]) -> RcptOptions:
    """Of the parameters of RCPT. Raises BadCommand."""
    notify = orcpt = ""
    for name, value in given.items():
        if name == b"NOTIFY":
            notify = _notify(value)
        elif name == b"ORCPT":
            orcpt = _original(value)
    return RcptOptions(notify, orcpt)


def date_text(seconds: float) -> str:
    """An Internet date (RFC 3339 §5.6), in UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def xtext(text: str) -> str:
    """RFC 3461 §4: what is no printable ASCII, and "+" and "=", as +XX; octets of UTF-8 where it is none."""
    return "".join(
        chr(octet) if 33 <= octet <= 126 and octet not in b"+=" else f"+{octet:02X}" for octet in text.encode()
    )


def _from_xtext(value: bytes) -> str:
    octets = _hex.sub(lambda found: bytes([int(found[1], 16)]), value)
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise BadCommand(501, "5.5.4", "a value does not decode") from None
    if not text.isprintable():
        raise BadCommand(501, "5.5.4", "a value holds control characters")
    return text


def _bad(name: bytes) -> BadCommand:
    return BadCommand(501, "5.5.4", f"bad {name.decode()} value")


def _one_of(name: bytes, value: bytes | None, known: tuple[bytes, ...]) -> str:
    upper = (value or b"").upper()
    if upper not in known:
        raise _bad(name)
    return upper.decode()


def _envid(value: bytes | None) -> str:
    if not value or len(value) > MAX_ENVID_OCTETS or not _xtext.fullmatch(value):
        raise _bad(b"ENVID")
    return _from_xtext(value)


def _priority(value: bytes | None) -> int:
    """RFC 6710 §3: -9 to 9."""
    digits = (value or b"").removeprefix(b"-")
    if len(digits) != 1 or not digits.isdigit() or value == b"-0":
        raise _bad(b"MT-PRIORITY")
    return int(value or b"")


def _by(value: bytes | None) -> tuple[int, str]:
    found = _deliver_by.fullmatch(value or b"")
    if not found:
        raise _bad(b"BY")
    seconds, mode = int(found[1]), found[2].upper().decode()
    if mode == "R" and seconds <= 0:  # RFC 2852 §4
        raise _bad(b"BY")
    return seconds, mode


def _hold_for(value: bytes | None) -> int:
    """RFC 4865 §4.1: 1 to 9 digits; more than is announced is refused."""
    if not value or not value.isdigit() or len(value) > 9 or not 0 < int(value) <= MAX_HOLD_SECONDS:
        raise _bad(b"HOLDFOR")
    return int(value)


def _hold_until(value: bytes | None) -> int:
    """RFC 4865 §4.1: an Internet date (RFC 3339 §5.6)."""
    text = (value or b"").upper()
    if not _until.fullmatch(text):
        raise _bad(b"HOLDUNTIL")
    try:
        return int(datetime.fromisoformat(text.decode()).astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        raise _bad(b"HOLDUNTIL") from None


def _notify(value: bytes | None) -> str:
    """RFC 3461 §4.1: NEVER alone, or a list of the others."""
    words = (value or b"").upper().split(b",")
    if words == [b"NEVER"]:
        return "NEVER"
    if len(set(words)) != len(words) or not set(words) <= {b"SUCCESS", b"FAILURE", b"DELAY"}:
        raise _bad(b"NOTIFY")
    return ",".join(sorted(word.decode() for word in words))


def _original(value: bytes | None) -> str:
    """RFC 3461 §4.2, and the utf-8 type of RFC 6533 §3, whose octets may stand as they are."""
    found = _orcpt.fullmatch(value or b"")
    if not found or len(found[0]) > MAX_ORCPT_OCTETS:
        raise _bad(b"ORCPT")
    kind = found[1].decode().lower()
    if kind == "utf-8":
        try:
            text = found[2].decode()
        except UnicodeDecodeError:
            raise _bad(b"ORCPT") from None
        if not text.isprintable():
            raise _bad(b"ORCPT")
        return f"utf-8;{text}"
    if not _xtext.fullmatch(found[2]):
        raise _bad(b"ORCPT")
    return f"{kind};{_from_xtext(found[2])}"
