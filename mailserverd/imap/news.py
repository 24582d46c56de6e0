"""What happened in the selected mailbox, told before the tagged answer of each command (RFC 9051 §7, §5.2).

Standing rules: a failure to tell it spoils no answer; what is much is told a part at a time, as the client takes it.
"""

from twisted.logger import Logger

from mailserverd.imap.reply import Reply
from mailserverd.imap.session import Session
from mailserverd.wire.imap.verbs import Verb

log = Logger()


def tell(session: Session, verb: Verb) -> bool:
    """Whether there is more to tell than what is one part."""
    selected = session.selected
    if selected is None:
        return False
    try:
        session.send(selected.pending_updates(verb.may_expunge, verb.name.startswith("UID")))
    except Exception:
        log.failure("could not tell the news of a mailbox", session=session.peer.session)
    return selected.has_untold


async def tell_rest(session: Session, verb: Verb, reply: Reply) -> Reply:
    """The flags of many messages. What comes meanwhile waits for the next command, so that this one ends. Returns the
    reply that comes after them."""
    selected = session.selected
    assert selected is not None
    with_uid = verb.name.startswith("UID")
    for _ in range(selected.parts_untold):
        session.flush()
        await session.drained()
        session.send(selected.pending_updates(False, with_uid))
    return reply
