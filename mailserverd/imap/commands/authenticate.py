"""AUTHENTICATE (RFC 9051 §6.2.2, RFC 4959): any number of challenges, "*" cancels."""

from mailserverd.accounts.channel_binding import channel_binding
from mailserverd.accounts.login import LoginFailure
from mailserverd.accounts.sasl_exchange import ServerChallenge
from mailserverd.imap.commands.login import admitted
from mailserverd.imap.reply import Reply
from mailserverd.imap.session import Session
from mailserverd.wire.imap.command.authenticate import Authenticate


async def run(session: Session, command: Authenticate) -> Reply:
    channel = channel_binding(session.wire.transport) if session.peer.tls else None
    exchange = session.services.authenticator.sasl(command.mechanism, channel, session.peer)
    if isinstance(exchange, LoginFailure):
        return await admitted(session, exchange)
    step = await exchange.start(command.initial)
    while isinstance(step, ServerChallenge):
        session.send(b"+ %b\r\n" % step.line)
        session.flush()
        step = await exchange.step(await session.wire.next_line())
    return await admitted(session, step)
