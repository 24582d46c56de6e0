"""What a command on a selected mailbox needs of the session that it runs in.

Standing rule: commands know the session by these words alone, so that each can be tested without a connection.
"""

from typing import Protocol

from mailserverd.imap.selected import Selected
from mailserverd.interfaces.mail_store import AccountMail
from mailserverd.model.errors import NotFound


class MailboxSession(Protocol):
    """condstore: the client has used a CONDSTORE enabling command (RFC 7162 §3.1). tag: of the command in flight."""

    selected: Selected | None
    condstore: bool

    @property
    def mail(self) -> AccountMail: ...

    @property
    def tag(self) -> bytes: ...

    def send(self, *octets: bytes) -> None:
        """Write, or hold what the client has no room for; never waits."""
        ...

    async def drained(self) -> None:
        """Until the client has taken most of what was sent, and the other sessions have had their turn."""
        ...

    async def turn(self) -> None:
        """Give the other sessions their turn, if this one has worked for long."""
        ...

    def abort(self) -> None:
        """Close the connection at once: a literal that was begun cannot be ended."""
        ...


def selected_of(session: MailboxSession) -> Selected:
    """Raises NotFound once another session has deleted the mailbox (RFC 2180 §3.3): CLOSE and SELECT still work."""
    selected = session.selected
    assert selected is not None
    if selected.index.gone:
        raise NotFound("The selected mailbox has been deleted")
    return selected
