"""IDLE (RFC 2177): until DONE, what happens in the selected mailbox is told at once."""

from mailserverd.imap.reply import Reply, bad, ok
from mailserverd.imap.session import Session
from mailserverd.model.changes import AccountEvent


async def run(session: Session, command: object) -> Reply:
    wire = session.wire

    def heard(event: AccountEvent) -> None:
        selected = session.selected
        if selected is not None and any(change.mailbox_id == selected.mailbox_id for change in event.changes):
            wire.updates_waiting()

    forget = session.services.events.subscribe(session.account.account_id, heard)
    session.idling = True
    try:
        session.send(b"+ idling\r\n")
        if session.selected is not None:
            session.send(session.selected.pending_updates(True))
        session.flush()
        wire.idle_begins()
        line = await wire.next_line()
    finally:
        session.idling = False
        forget()
    if line.upper() != b"DONE":
        return bad("Expected DONE")
    return ok("Idle ended")
