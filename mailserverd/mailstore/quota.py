"""How much an account may hold (RFC 9208, one root for all mailboxes).

Standing rule: only the store decides, inside its commit; what is here tells, and refuses early what cannot fit.
"""

from typing import NamedTuple

from mailserverd.interfaces.mail_store import AccountMail
from mailserverd.model.errors import OverQuota


class Usage(NamedTuple):
    """octets: used; limit: None = no limit."""

    octets: int
    limit: int | None
    messages: int


async def usage(mail: AccountMail) -> Usage:
    state = await mail.state()
    return Usage(state.octets, state.quota_octets, state.messages)


async def check_room(mail: AccountMail, octets: int) -> None:
    """Raises OverQuota when a message of this size cannot fit; used before its octets are asked for."""
    used, limit, _ = await usage(mail)
    if limit is not None and used + octets > limit:
        raise OverQuota("The account's quota would be passed")
