"""What a commit did, for memory to follow: made in the writer thread, applied in the reactor thread."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mailserverd.backends.lmdb.records import AccountRecord, MailboxRecord
from mailserverd.interfaces.mail_store import Committed
from mailserverd.model.changes import Change


@dataclass(slots=True)
class Effect:
    """One change, with the masks that its uids have now (ADDED, FLAGS)."""

    change: Change
    masks: Sequence[int] = ()


@dataclass(slots=True)
class Outcome:
    """account None: nothing was changed (a replay). dropped: mailboxes that are gone. next_uid: where the next stage
    of a large operation begins; 0: it is done."""

    committed: Committed
    account: AccountRecord | None = None
    mailboxes: dict[int, MailboxRecord] = field(default_factory=dict)
    dropped: list[int] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    next_uid: int = 0
