"""IDLE (RFC 2177): until DONE, what happens in the selected mailbox is told at once.

Standing rule: nothing but DONE ends it well; the selected mailbox itself hears the events, see selected.watch().
"""

from mailserverd.imap.reply import Reply, bad, ok
from mailserverd.imap.session import Session


async def run(session: Session, command: object) -> Reply:
    session.idling = True
    try:
        session.send(b"+ idling\r\n")
        if session.selected is not None:
            session.send(session.selected.pending_updates(True))
        session.flush()
        session.updates_waiting()  # the rest of many flags
        session.wire.idle_begins()
        line = await session.wire.next_line()
    finally:
        session.idling = False
    return ok(b"Idle ended") if line.upper() == b"DONE" else bad(b"Expected DONE")
