"""A message as it goes to one server: octets in the form that the server takes, commands, and who cannot be asked.

Standing rules: the octets are made for what was offered and for nothing else; a command that cannot be said is the
fate of its recipient, never of another one.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.logger import Logger

from mailserverd.interfaces.mail_transport import CannotDowngrade, Outgoing, Peer
from mailserverd.model.outcome import Outcome, Refused, TryLater
from mailserverd.smtp.sending.results import Results
from mailserverd.wire.mime.utf8_headers import has_utf8_headers
from mailserverd.wire.smtp.client.command import BadArgument, MailParameters, mail, rcpt, wire_path
from mailserverd.wire.smtp.client.offer import PeerOffer
from mailserverd.wire.smtp.client.stuffing import blocks
from mailserverd.wire.smtp.content import ChunkReceiver, fault_of

_log = Logger()
_CHECKED_AT_ONCE = 262_144  # octets: half a millisecond
_NO_UTF8 = "the message needs SMTPUTF8, which the server does not offer"


class Letter(NamedTuple):
    """recipients: position and RCPT command. chunked: goes by BDAT."""

    octets: bytes
    chunked: bool
    mail: bytes
    recipients: list[tuple[int, bytes]]


class CannotSend(Exception):
    """Not to this server: the same for all recipients."""

    def __init__(self, outcome: Outcome, why: str) -> None:
        super().__init__(why)
        self.outcome = outcome


def _never(status: str, why: str) -> CannotSend:
    return CannotSend(Refused(status, why), why)


async def letter_for(
    message: Outgoing, peer: Peer, offer: PeerOffer, results: Results, in_thread: Callable[..., Any]
) -> Letter:
    """Recipients who cannot be asked get their result here. in_thread: for what takes long. Raises CannotSend."""
    if message.require_tls and not (peer.verified and "REQUIRETLS" in offer.keywords):  # RFC 8689 §4.2.1
        raise _never("5.7.30", "the message requires TLS (REQUIRETLS), which this server cannot promise")
    if offer.max_octets and message.size > offer.max_octets:  # RFC 1870 §6.2
        raise _too_large(offer)
    form = form_for(message.body, offer)
    octets = await _prepared(message, form)
    if offer.max_octets and len(octets) > offer.max_octets:
        raise _too_large(offer)
    small = len(octets) <= _CHECKED_AT_ONCE
    if form != "BINARYMIME" and (is_faulty(octets) if small else await in_thread(is_faulty, octets)):
        raise _never("5.6.0", "the message holds a NUL, or a CR or LF by itself, and cannot go by DATA")
    utf8 = _smtputf8(message, octets, offer)
    recipients = _recipients(message, offer, utf8, results)
    return Letter(octets, form == "BINARYMIME", _mail(message, form, len(octets), utf8, offer), recipients)


def is_faulty(octets: bytes) -> bool:
    """Whether DATA cannot carry it: a NUL, a CR or LF by itself."""
    if len(octets) <= _CHECKED_AT_ONCE:
        return bool(octets) and fault_of(octets) is not None
    check = ChunkReceiver(len(octets), lines=True)
    for block in blocks(octets):  # between which other threads have their turn
        check.feed(block)
    return check.fault is not None or check.ends_with_cr


def form_for(body: str, offer: PeerOffer) -> str:
    """What the octets may be."""
    if body == "BINARYMIME" and {"BINARYMIME", "CHUNKING"} <= offer.keywords:  # RFC 3030 §3
        return "BINARYMIME"
    return "8BITMIME" if "8BITMIME" in offer.keywords else "7BIT"  # RFC 6152 §3


def _too_large(offer: PeerOffer) -> CannotSend:
    return _never("5.3.4", f"the server takes messages of at most {offer.max_octets} octets")


async def _prepared(message: Outgoing, form: str) -> bytes:
    try:
        return await message.prepare(form)
    except CannotDowngrade as error:
        raise _never("5.6.3", str(error) or "the message cannot be sent in a form that the server takes") from None
    except Exception:
        _log.failure("a message could not be made ready for sending")
        raise CannotSend(TryLater("4.3.0", "local error"), "local error") from None


def _smtputf8(message: Outgoing, octets: bytes, offer: PeerOffer) -> bool:
    """Whether MAIL says SMTPUTF8. Raises CannotSend where it would have to (RFC 6531 §3.5)."""
    asked = (
        message.smtputf8
        or not message.sender.isascii()
        or any(not each.address.isascii() for each in message.recipients)
    )
    if not asked:
        return False
    if "SMTPUTF8" in offer.keywords:
        return True
    if message.smtputf8 and has_utf8_headers(octets):
        raise _never("5.6.7", _NO_UTF8)
    return False


def _recipients(message: Outgoing, offer: PeerOffer, utf8: bool, results: Results) -> list[tuple[int, bytes]]:
    dsn = "DSN" in offer.keywords
    found: list[tuple[int, bytes]] = []
    for position, each in enumerate(message.recipients):
        try:
            path = wire_path(each.address, utf8)
            found.append((position, rcpt(path, each.notify, each.orcpt) if dsn else rcpt(path)))
        except BadArgument as error:
            results.put(position, Refused("5.6.7" if error.needs_utf8 else "5.1.3", str(error)), str(error))
    return found


def _mail(message: Outgoing, form: str, octets: int, utf8: bool, offer: PeerOffer) -> bytes:
    keywords = offer.keywords
    dsn = "DSN" in keywords
    parameters = MailParameters(
        size=octets if "SIZE" in keywords else 0,
        body=form if form == "BINARYMIME" or (form == "8BITMIME" and message.body != "7BIT") else "",
        smtputf8=utf8,
        ret=message.ret if dsn else "",
        envid=message.envid if dsn else "",
        require_tls=message.require_tls,
        priority=message.priority if "MT-PRIORITY" in keywords else 0,
        by=_by(message, offer),
    )
    try:
        return mail(wire_path(message.sender, utf8, forward=False), parameters)
    except BadArgument as error:
        raise _never("5.6.7" if error.needs_utf8 else "5.1.7", str(error)) from None


def _by(message: Outgoing, offer: PeerOffer) -> str:
    if message.deliver_by is None or "DELIVERBY" not in offer.keywords:
        return ""
    seconds, mode = message.deliver_by
    return f"{seconds};{mode}"
