"""The commands, one function each, and which of them a door has.

Standing rules: a function takes the session and the argument (no white space around it) and gives the reply; it
raises BadCommand where the syntax is wrong; order errors are told before syntax errors (RFC 5321 §4.1.4, 503).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from mailserverd.accounts.login import Login, LoginFailure
from mailserverd.accounts.sasl_exchange import Reply as SaslReply
from mailserverd.accounts.sasl_exchange import ServerChallenge
from mailserverd.model.account import Account
from mailserverd.model.errors import StoreError
from mailserverd.smtp import replies
from mailserverd.smtp.session import SWALLOWED_OCTETS, After, Reply, Session
from mailserverd.smtp.settings import LMTP, SMTP, SUBMISSION
from mailserverd.smtp.transaction import Transaction
from mailserverd.wire.smtp.command import (
    BODY_BINARYMIME,
    Chunk,
    Mail,
    parse_bdat,
    parse_mail,
    parse_name,
    parse_rcpt,
)
from mailserverd.wire.smtp.content import ChunkReceiver, DataReceiver, Discard
from mailserverd.wire.smtp.keywords import Offer, keyword_lines, mail_parameters, recipient_parameters
from mailserverd.wire.smtp.options import MAX_HOLD_SECONDS, date_text
from mailserverd.wire.smtp.reply import BadCommand, reply, reply_lines

Command = Callable[[Session, bytes], Reply]


def obey(session: Session, line: bytes) -> Reply:
    """The reply to one line, its CRLF taken off."""
    if b"\n" in line or b"\r" in line or b"\0" in line:
        session.exchange = None
        session.verb = b"OTHER"
        return session.bad(replies.BAD_OCTETS)
    if session.exchange is not None:
        return _login_step(session, line)
    verb, _, argument = line.partition(b" ")
    verb = verb.upper()
    command = COMMANDS[session.settings.door].get(verb)
    session.verb = b"OTHER" if command is None else verb
    try:
        if command is None:
            return session.bad(_not_here(verb))
        return command(session, argument.strip(b" \t") if argument else argument)
    except BadCommand as error:
        return session.bad(error.reply)


def _not_here(verb: bytes) -> bytes:
    if verb in (b"EHLO", b"HELO", b"LHLO"):
        return replies.WRONG_GREETING  # RFC 2033 §4.1
    return replies.NOT_IMPLEMENTED if verb in _KNOWN else replies.UNKNOWN_COMMAND


# Greeting.


def helo(session: Session, argument: bytes) -> Reply:
    name = parse_name(argument)
    session.forget_greeting()
    session.name = name
    return session.idle(reply(250, "", session.settings.hostname))


def ehlo(session: Session, argument: bytes) -> Reply:
    """RFC 5321 §4.1.1.1; in LMTP this is LHLO (RFC 2033 §4.1)."""
    name = parse_name(argument)
    session.forget_greeting()
    session.name, session.esmtp = name, True
    services, settings = session.services, session.settings
    submission = settings.door == SUBMISSION
    mechanisms: tuple[str, ...] = ()
    if submission and session.account is None:
        mechanisms = services.authenticator.mechanisms(session.peer())
    offer = session.offer = Offer(
        max_message_bytes=settings.max_message_bytes,
        max_recipients=settings.max_recipients,
        starttls=services.tls is not None and not session.tls,
        mechanisms=mechanisms,
        sends=submission,
        tls=session.tls,
    )
    session.allowed, session.allowed_of_rcpt = mail_parameters(offer, submission), recipient_parameters(offer)
    latest = date_text(services.dates.seconds() + MAX_HOLD_SECONDS)
    return session.idle(reply_lines(250, [settings.hostname, *keyword_lines(offer, latest)]))


def starttls(session: Session, argument: bytes) -> Reply:
    if argument:
        return session.bad(replies.NO_ARGUMENT)
    if session.tls:
        return session.bad(replies.TLS_ALREADY)
    if session.services.tls is None:
        return session.bad(replies.TLS_UNAVAILABLE)
    if not session.esmtp:
        return session.bad(replies.GREET_FIRST)
    session.after = After.START_TLS
    return replies.READY_FOR_TLS


# A message.


def mail(session: Session, argument: bytes) -> Reply:
    if not session.name:
        return session.bad(replies.GREET_FIRST)
    if session.transaction is not None:
        return session.bad(replies.NESTED_MAIL)
    settings = session.settings
    account = session.account
    if settings.door == SUBMISSION and account is None:
        offered = session.tls or session.services.authenticator.allows(session.peer())
        return session.bad(replies.LOGIN_FIRST if offered else replies.TLS_FIRST)
    parsed = parse_mail(argument, session.allowed)
    if parsed.size > settings.max_message_bytes:
        return session.bad(replies.TOO_LARGE)  # RFC 1870 §6.1
    if not session.exempt and not session.services.message_rate.admits(session.host, settings.max_messages_per_minute):
        return session.bad(replies.TOO_MANY_MESSAGES)
    if account is not None and not parsed.path.is_null:
        return _mail_of(session, account, parsed)
    return session.begin(parsed)


async def _mail_of(session: Session, account: Account, parsed: Mail) -> bytes:
    """RFC 6409 §6.1: a user sends as what is the user's own."""
    try:
        own = await session.services.router.owns(account, parsed.path)
    except StoreError:
        return replies.SENDER_UNKNOWN_NOW
    return session.begin(parsed) if own else session.bad(replies.NOT_YOURS)


def rcpt(session: Session, argument: bytes) -> Reply:
    transaction = session.transaction
    if transaction is None:
        return session.bad(replies.MAIL_FIRST)
    if transaction.chunked:
        return session.bad(replies.BDAT_BEGUN)
    path, options = parse_rcpt(argument, transaction.mail.utf8, session.allowed_of_rcpt)
    if len(transaction.recipients) >= session.settings.max_recipients:
        return replies.TOO_MANY_RECIPIENTS  # RFC 5321 §4.5.3.1.10
    routing = session.services.router.route(path, transaction.mail.size, session.account)
    return session.add_recipient(transaction, routing, options)


def data(session: Session, argument: bytes) -> Reply:
    transaction = session.transaction
    if transaction is None:
        return session.bad(replies.MAIL_FIRST)
    if argument:
        return session.bad(replies.NO_ARGUMENT)
    if transaction.chunked:
        return session.bad(replies.BDAT_BEGUN)  # RFC 3030 §2
    if transaction.mail.body == BODY_BINARYMIME:
        return session.bad(replies.BINARY_NEEDS_BDAT)
    if not transaction.recipients:
        return session.bad(_without_recipients(session, transaction))
    transaction.begin(session.services.spool)
    session.receiver = DataReceiver()
    return replies.GO_AHEAD


def _without_recipients(session: Session, transaction: Transaction) -> bytes:
    """RFC 5321 §3.3: 554 where all were refused; RFC 2033 §4.2 wants 503 in LMTP."""
    if transaction.refused and session.settings.door != LMTP:
        return replies.NO_VALID_RECIPIENTS
    return replies.RCPT_FIRST


def bdat(session: Session, argument: bytes) -> Reply:
    """RFC 3030 §2. A refused chunk's octets come all the same: they are thrown away, never taken for commands."""
    chunk = parse_bdat(argument)
    transaction = session.transaction
    refusal = _chunk_refusal(session, transaction, chunk)
    if refusal is None:
        assert transaction is not None
        transaction.begin(session.services.spool)
        transaction.chunked, transaction.last_chunk = True, chunk.last
        lines = transaction.mail.body != BODY_BINARYMIME
        session.receiver = ChunkReceiver(chunk.octets, lines, transaction.carry)
        return b""
    if transaction is not None:
        transaction.give_up()
        transaction.broken = transaction.chunked = True
        if chunk.last:
            session.transaction = None
            if session.settings.door == LMTP:
                refusal *= max(1, len(transaction.recipients))
    if chunk.octets > SWALLOWED_OCTETS:
        session.after = After.CLOSE
    else:
        session.receiver = Discard(chunk.octets)
    return session.bad(refusal)


def _chunk_refusal(session: Session, transaction: Transaction | None, chunk: Chunk) -> bytes | None:
    if transaction is None:
        return replies.MAIL_FIRST
    if transaction.broken:
        return replies.RSET_FIRST
    if not transaction.recipients:
        return _without_recipients(session, transaction)
    if transaction.octets + chunk.octets > session.settings.max_message_bytes:
        return replies.TOO_LARGE
    return None


def rset(session: Session, argument: bytes) -> Reply:
    if argument:
        return session.bad(replies.NO_ARGUMENT)
    session.reset()
    return session.idle(replies.RESET)


# Logging in.


def auth(session: Session, argument: bytes) -> Reply:
    """RFC 4954 §4."""
    if not session.esmtp:
        return session.bad(replies.GREET_FIRST)
    if session.account is not None:
        return session.bad(replies.AUTH_ALREADY)
    if session.transaction is not None:
        return session.bad(replies.AUTH_IN_MAIL)
    mechanism, _, initial = argument.partition(b" ")
    if not mechanism or b" " in initial:
        return session.bad(replies.AUTH_HOW)
    begun = session.services.authenticator.sasl(
        mechanism.decode("ascii", "replace"), session.line.channel(), session.peer()
    )
    if isinstance(begun, LoginFailure):
        return session.bad(_failure(begun))
    session.exchange = begun
    return _login(session, begun.start(initial or None))


def _login_step(session: Session, line: bytes) -> Reply:
    assert session.exchange is not None
    return _login(session, session.exchange.step(line))


async def _login(session: Session, step: Coroutine[Any, Any, SaslReply]) -> bytes:
    answer = await step
    if isinstance(answer, ServerChallenge):
        return b"334 " + answer.line + b"\r\n"
    session.exchange = None
    if isinstance(answer, Login):
        session.login = answer
        session.account = answer.account
        session.bad_in_a_row = 0
        session.received.clear()
        return replies.LOGGED_IN
    return session.bad(_failure(answer))


def _failure(failure: LoginFailure) -> bytes:
    refusal = failure.refusal
    return reply(refusal.smtp_code, refusal.enhanced_status, refusal.text)


# The rest.


def noop(session: Session, argument: bytes) -> Reply:
    return session.idle(replies.NOOP_OK)


def help_(session: Session, argument: bytes) -> Reply:
    return session.idle(replies.HELP)


def vrfy(session: Session, argument: bytes) -> Reply:
    """RFC 5321 §7.3: nobody is told who is here."""
    return session.idle(replies.CANNOT_VERIFY) if argument else session.bad(replies.VRFY_WHAT)


def quit_(session: Session, argument: bytes) -> Reply:
    session.after = After.CLOSE
    return reply(221, "2.0.0", f"{session.settings.hostname} closing")


_COMMON: dict[bytes, Command] = {
    b"MAIL": mail,
    b"RCPT": rcpt,
    b"DATA": data,
    b"BDAT": bdat,
    b"RSET": rset,
    b"NOOP": noop,
    b"HELP": help_,
    b"VRFY": vrfy,
    b"QUIT": quit_,
    b"STARTTLS": starttls,
}
COMMANDS: dict[str, dict[bytes, Command]] = {
    SMTP: {**_COMMON, b"HELO": helo, b"EHLO": ehlo},
    SUBMISSION: {**_COMMON, b"HELO": helo, b"EHLO": ehlo, b"AUTH": auth},
    LMTP: {**_COMMON, b"LHLO": ehlo},
}
_KNOWN = frozenset((*_COMMON, b"AUTH", b"EXPN", b"TURN", b"ETRN", b"SEND", b"SOML", b"SAML"))
