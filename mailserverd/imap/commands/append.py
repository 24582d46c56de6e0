"""APPEND (RFC 9051 §6.3.12, RFC 4315 APPENDUID): the octets are in session.upload, through the one door of all mail."""

from twisted.logger import Logger

from mailserverd.imap.reply import Reply, no, ok
from mailserverd.imap.session import Session
from mailserverd.mailstore.mailboxes import find
from mailserverd.mailstore.quota import check_room
from mailserverd.model.errors import NotFound
from mailserverd.wire.imap.command.append import Append

log = Logger()


async def run(session: Session, command: Append) -> Reply:
    upload = session.upload
    if upload is None or not command.octets:
        return no(b"A message has at least one octet")
    try:
        await find(session.mail, command.mailbox)
    except NotFound:
        return no(b"No such mailbox", b"TRYCREATE")
    await check_room(session.mail, command.octets)
    try:
        octets = upload.octets()
    except OSError as error:
        log.error("could not spool an APPEND; look at the disk", session=session.peer.session, why=str(error))
        return no(b"Cannot take the message now, try again later", b"UNAVAILABLE")
    date, offset = command.internal_date or (int(session.services.wall_seconds()), 0)
    try:
        done = await session.services.ingest.append(
            session.mail, command.mailbox, octets, command.flags, date, offset, origin=session
        )
    except NotFound:
        return no(b"No such mailbox", b"TRYCREATE")
    return ok(b"Appended", b"APPENDUID %d %d" % (done.uid_validity, done.uid))
