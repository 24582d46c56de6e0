"""What can go wrong below the protocols. Each is one sentence for the log and maps to one reply on each wire."""


class StoreError(Exception):
    """Anything a store operation may raise."""


class TryAgain(StoreError):
    """Ours and temporary: overloaded, out of space, no owner. Nothing was changed."""


class Conflict(StoreError):
    """`if_modseq` did not hold. Nothing was changed."""


class NotFound(StoreError):
    """The account, mailbox or message named is not there (any more)."""


class AlreadyExists(StoreError):
    """A mailbox (or account, domain, alias) of that name is there already."""


class OverQuota(StoreError):
    """The account's quota would be passed. Nothing was changed."""


class LimitReached(StoreError):
    """A bound of the store (keywords of a mailbox, mailboxes of an account, size) would be passed."""


class NotPermitted(StoreError):
    """The rules of mailboxes forbid it: a reserved or impossible name, deleting the inbox. Says which."""


class TooOld(StoreError):
    """The changes asked for are no longer in the log; read the whole state instead."""


class Damaged(StoreError):
    """Stored octets do not verify. The message names what to do."""
