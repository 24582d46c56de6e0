"""What a command on a selected mailbox needs of the session that it runs in.

Standing rule: commands know the session by these words alone, so that each can be tested without a connection.
"""

from typing import Protocol

from mailserverd.imap.large_searches import LargeSearches
from mailserverd.imap.selected import Selected
from mailserverd.interfaces.event_bus import EventBus
from mailserverd.interfaces.mail_store import AccountMail
from mailserverd.mailstore.find_limits import SearchLimits
from mailserverd.model.errors import NotFound


class MailboxSession(Protocol):
    """condstore: the client has used a CONDSTORE enabling command (RFC 7162 §3.1). tag: of the command in flight."""

    selected: Selected | None
    tag: bytes

    @property
    def mail(self) -> AccountMail: ...

    @property
    def events(self) -> EventBus: ...

    @property
    def searches(self) -> LargeSearches: ...

    @property
    def search_limits(self) -> SearchLimits: ...

    @property
    def condstore(self) -> bool: ...

    def enable(self, *names: bytes) -> None: ...

    def send(self, *chunks: bytes) -> None:
        """Queue; never waits."""
        ...

    async def drained(self) -> None:
        """Until the client has taken most of what was sent."""
        ...

    async def turn(self) -> None:
        """Let the other sessions go first."""
        ...

    def abort(self) -> None:
        """Close the connection at once: a literal that was begun cannot be ended."""
        ...

    def updates_waiting(self) -> None:
        """Something happened in the mailbox: in IDLE the client is told at once."""
        ...


def use_condstore(session: MailboxSession) -> None:
    """A CONDSTORE enabling command was used (RFC 7162 §3.1): from now on MODSEQ is told with every FETCH."""
    session.enable(b"CONDSTORE")
    if session.selected is not None:
        session.selected.condstore = True


def selected_of(session: MailboxSession) -> Selected:
    """Raises NotFound once another session has deleted the mailbox (RFC 2180 §3.3): CLOSE and SELECT still work."""
    selected = session.selected
    assert selected is not None
    if selected.index.gone:
        raise NotFound("The selected mailbox has been deleted")
    return selected
