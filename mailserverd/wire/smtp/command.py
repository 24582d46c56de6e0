"""Command lines of SMTP: MAIL, RCPT, BDAT and the names of EHLO, from octets to values.

Standing rules: a line comes without its CRLF and with no CR, LF or NUL inside; keywords in any case (RFC 5321 §2.4);
one space after "FROM:" and "TO:" is let pass, since Outlook and many scripts send it; unknown parameters are 555,
bad values 501 (RFC 5321 §4.1.1.11, §4.2.3).
"""

import re
from typing import NamedTuple

from mailserverd.wire.smtp.options import (
    NO_MAIL_OPTIONS,
    NO_RCPT_OPTIONS,
    MailOptions,
    RcptOptions,
    mail_options,
    rcpt_options,
)
from mailserverd.wire.smtp.path import DOMAIN, DOT_STRING, BadPath, Path, is_domain, is_literal, parse_path
from mailserverd.wire.smtp.reply import BadCommand

MAX_LINE_OCTETS = 4096  # RFC 5321 §4.5.3.1.4 asks for 512 and more with each extension
MAX_SIZE_DIGITS = 20  # RFC 1870 §3
MAX_PARAMETERS = 20

BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME = b"7BIT", b"8BITMIME", b"BINARYMIME"
_BODIES = frozenset((BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME))

_mail = re.compile(rb"FROM: ?<(" + DOT_STRING + rb")@(" + DOMAIN + rb")>", re.IGNORECASE)
_rcpt = re.compile(rb"TO: ?<(" + DOT_STRING + rb")@(" + DOMAIN + rb")>", re.IGNORECASE)
_parameter = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e\x80-\xff]+))?")
_xtext = re.compile(rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")  # RFC 3461 §4
_name = re.compile(rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.:\[\]\x80-\xff-]{1,255}")


class Mail(NamedTuple):
    """MAIL FROM. size: as declared, 0 when not; body: BODY_7BIT where none is named."""

    path: Path
    size: int = 0
    body: bytes = BODY_7BIT
    utf8: bool = False
    options: MailOptions = NO_MAIL_OPTIONS


class Chunk(NamedTuple):
    """BDAT."""

    octets: int
    last: bool


def parse_mail(argument: bytes, allowed: frozenset[bytes]) -> Mail:
    """allowed: the parameters that this session announced (none after HELO)."""
    if len(argument) <= 200 and (found := _mail.match(argument)) and argument.isascii() and is_domain(found[2]):
        path, end = Path(found[1], found[2]), found.end()
        if end == len(argument):
            return Mail(path)
    else:
        path, end = _path(argument, b"FROM:", forward=False)
    size, body, utf8 = 0, BODY_7BIT, False
    given = _parameters(argument, end, allowed)
    for name, value in given.items():
        if name == b"SIZE":
            size = _size(value)
        elif name == b"BODY":
            body = _body(value)
        elif name == b"SMTPUTF8":
            if value is not None:
                raise BadCommand(501, "5.5.4", "SMTPUTF8 takes no value")
            utf8 = True
        elif name == b"AUTH" and (
            value is None or not _xtext.fullmatch(value)
        ):  # RFC 4954 §5: read, and believed of nobody
            raise BadCommand(501, "5.5.4", "bad AUTH value")
    if not utf8 and not path.is_ascii:
        raise BadCommand(553, "5.6.7", "an internationalized address needs SMTPUTF8")  # RFC 6531 §3.5
    return Mail(path, size, body, utf8, mail_options(given))


def parse_rcpt(argument: bytes, utf8: bool, allowed: frozenset[bytes]) -> tuple[Path, RcptOptions]:
    """utf8: whether this transaction has SMTPUTF8. allowed: the parameters of RCPT that this session announced."""
    if len(argument) <= 200 and (found := _rcpt.fullmatch(argument)) and argument.isascii() and is_domain(found[2]):
        return Path(found[1], found[2]), NO_RCPT_OPTIONS
    path, end = _path(argument, b"TO:", forward=True)
    options = rcpt_options(_parameters(argument, end, allowed))
    if not utf8 and not path.is_ascii:
        raise BadCommand(553, "5.6.7", "an internationalized address needs SMTPUTF8")
    return path, options


def parse_bdat(argument: bytes) -> Chunk:
    """RFC 3030 §2: BDAT SP chunk-size [SP "LAST"]."""
    words = argument.split(b" ")
    if not words[0].isdigit() or len(words[0]) > MAX_SIZE_DIGITS:
        raise BadCommand(501, "5.5.4", "use BDAT octets [LAST]")
    if len(words) > 2 or (len(words) == 2 and words[1].upper() != b"LAST"):
        raise BadCommand(501, "5.5.4", "use BDAT octets [LAST]")
    return Chunk(int(words[0]), len(words) == 2)


def parse_name(argument: bytes) -> bytes:
    """The name of EHLO, HELO and LHLO.

    RFC 5321 §4.1.4 forbids refusing a client whose name does not check out, so any single word that is safe in a
    header is taken, except a literal that is none.
    """
    if not _name.fullmatch(argument):
        raise BadCommand(501, "5.5.4", "give one name, a domain or an address literal")
    if argument[:1] == b"[" and not is_literal(argument):
        raise BadCommand(501, "5.5.4", "bad address literal")
    return argument


def _path(argument: bytes, prefix: bytes, forward: bool) -> tuple[Path, int]:
    if argument[: len(prefix)].upper() != prefix:
        raise BadCommand(501, "5.5.4", f"use {'RCPT' if forward else 'MAIL'} {prefix.decode()}<address>")
    pos = len(prefix)
    if argument[pos : pos + 1] == b" ":
        pos += 1
    try:
        return parse_path(argument, pos, forward)
    except BadPath as error:
        raise BadCommand(501, "5.1.3" if forward else "5.1.7", str(error)) from None


def _parameters(argument: bytes, pos: int, allowed: frozenset[bytes]) -> dict[bytes, bytes | None]:
    """RFC 5321 §4.1.2: Mail-parameters = esmtp-param *(SP esmtp-param)."""
    rest = argument[pos:].rstrip(b" ")
    if not rest:
        return {}
    if rest[:1] != b" ":
        raise BadCommand(501, "5.5.4", "a space stands between the address and a parameter")
    words = rest.split()
    if len(words) > MAX_PARAMETERS:
        raise BadCommand(501, "5.5.4", "too many parameters")
    found: dict[bytes, bytes | None] = {}
    for word in words:
        parts = _parameter.fullmatch(word)
        if not parts:
            raise BadCommand(501, "5.5.4", "bad parameter")
        name = parts[1].upper()
        if name not in allowed:
            raise BadCommand(555, "5.5.4", f"parameter {name.decode()} is not known here")
        if name in found:
            raise BadCommand(501, "5.5.4", f"parameter {name.decode()} stands twice")
        found[name] = parts[2]
    return found


def _size(value: bytes | None) -> int:
    if value is None or not value.isdigit() or len(value) > MAX_SIZE_DIGITS:
        raise BadCommand(501, "5.5.4", "bad SIZE value")
    return int(value)


def _body(value: bytes | None) -> bytes:
    body = (value or b"").upper()
    if body not in _BODIES:
        raise BadCommand(501, "5.5.4", "BODY is 7BIT, 8BITMIME or BINARYMIME")
    return body
