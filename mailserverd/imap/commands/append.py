"""APPEND (RFC 9051 §6.3.12, RFC 4315 APPENDUID): the octets are in session.upload, through the one door of all mail."""

from twisted.logger import Logger

from mailserverd.delivery.spool import Spooled
from mailserverd.imap.reply import Reply, bad, no, ok
from mailserverd.imap.session import Session
from mailserverd.mailstore.append import Appended
from mailserverd.mailstore.mailboxes import find
from mailserverd.mailstore.quota import check_room
from mailserverd.model.errors import NotFound
from mailserverd.wire.imap.command.append import Append

log = Logger()
DOOR = "imap"


async def why_not(session: Session, command: Append) -> Reply | None:
    """Asked before the message comes. RFC 9051 §6.3.12: TRYCREATE. Raises OverQuota."""
    if not command.octets:
        return no(b"A message has at least one octet")
    try:
        await find(session.mail, command.mailbox)
    except NotFound:
        return no(b"No such mailbox", b"TRYCREATE")
    await check_room(session.mail, command.octets)
    return None


async def run(session: Session, command: Append) -> Reply:
    upload = session.upload
    if upload is None:  # a message as a quoted string, which the grammar does not have
        return bad(b"The message must be a literal")
    if not upload.in_file:
        return await _store(session, command, upload)
    await upload.gate.acquire()
    try:
        await session.turn()  # who has gone meanwhile needs no memory any more
        return await _store(session, command, upload)
    finally:
        upload.gate.release()


async def _store(session: Session, command: Append, upload: Spooled) -> Reply:
    try:
        octets = await upload.whole()
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
    _note(session, command, done)
    return ok(b"Appended", b"APPENDUID %d %d" % (done.uid_validity, done.uid))


def _note(session: Session, command: Append, done: Appended) -> None:
    """This message has no queue id: its trail is found by its Message-ID."""
    account, where = session.account.address, f"{command.mailbox}/{done.uid}"
    message_id = done.message_id.decode("utf-8", "replace")
    services, session_id = session.services, session.peer.session
    services.metrics.deliveries[DOOR, "delivered"].value += 1
    services.trace.record(
        "appended",
        message_id=message_id,
        door=DOOR,
        session=session_id,
        to=account,
        where=where,
        octets=command.octets,
    )
    log.info(
        "message appended",
        session=session_id,
        message_id=message_id,
        account=account,
        where=where,
        octets=command.octets,
    )
