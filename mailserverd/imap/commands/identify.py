"""ID (RFC 2971): who we are, and a log line of who they are."""

from twisted.logger import Logger

from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session
from mailserverd.wire.imap.command.identify import Identify

log = Logger()


async def run(session: Session, command: Identify) -> Reply:
    if command.fields:
        client = " ".join(f"{name!r}={value!r}" for name, value in command.fields)
        log.info("client named itself", session=session.peer.session, client=client)
    session.send(b'* ID ("name" "mailserverd")\r\n')
    return ok(b"Identified")
