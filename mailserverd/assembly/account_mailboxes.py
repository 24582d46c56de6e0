"""The mail behind an account, for its administration. Standing rule: everything goes through mailstore's own doors."""

from collections.abc import Callable

from mailserverd.config.schema import Mailboxes
from mailserverd.interfaces.mail_store import MailStore
from mailserverd.mailstore.mailboxes import furnish
from mailserverd.model.identifiers import AccountId
from mailserverd.model.mailbox import AccountState


class StoredMailboxes:
    """names: the [mailboxes] section as it is now."""

    def __init__(self, store: MailStore, names: Callable[[], Mailboxes]) -> None:
        self._store = store
        self._names = names

    async def furnish(self, account_id: AccountId) -> None:
        await furnish(await self._store.open(account_id), special_uses(self._names()))

    async def remove(self, account_id: AccountId) -> None:
        await self._store.remove(account_id)

    async def state(self, account_id: AccountId) -> AccountState:
        return await (await self._store.open(account_id)).state()


def special_uses(mailboxes: Mailboxes) -> dict[str, str]:
    """What a new account is furnished with: special use (RFC 6154) -> name."""
    return {
        "\\Drafts": mailboxes.drafts,
        "\\Sent": mailboxes.sent,
        "\\Junk": mailboxes.junk,
        "\\Trash": mailboxes.trash,
        "\\Archive": mailboxes.archive,
    }
