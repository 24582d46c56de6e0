"""What a store that came back from a backup must do, so that no client takes the mail of now for that of then.

Standing rules: since the backup was made clients were told MODSEQs, UIDs and MAILBOXIDs that this store knows nothing
of: none of them is given out again, and a difference that cannot be worked out any more is refused (TooOld). Doing it
twice does no harm.
"""

from functools import partial

from mailserverd.backends.lmdb.accounts_with_mail import accounts_with_mail
from mailserverd.backends.lmdb.environment import Environment
from mailserverd.backends.lmdb.history import forget_all_changes, forget_all_expunges
from mailserverd.backends.lmdb.keys import EPOCH, EPOCH_BITS, UID_VALIDITY, account_prefix
from mailserverd.backends.lmdb.records import decoded_account, decoded_mailbox, encoded
from mailserverd.backends.lmdb.step import Step
from mailserverd.backends.lmdb.writer import Writer

SKIPPED_MAILBOXES = 10_000  # MAILBOXIDs given out since the backup: more than an account may have


async def begin_epoch(environment: Environment, writer: Writer, now: int) -> tuple[int, int]:
    """A new epoch: MODSEQs go on above it, mailboxes have a new UIDVALIDITY. How many accounts and mailboxes."""
    first = (await writer.submit(_raised_epoch)) << EPOCH_BITS
    accounts = accounts_with_mail(environment)
    boxes = [await writer.submit(partial(_renewed, account_id=one, first=first, now=now)) for one in accounts]
    return len(accounts), sum(boxes)


def _raised_epoch(step: Step) -> int:
    epoch = int.from_bytes(step.get(EPOCH) or b"") + 1
    step.put(EPOCH, epoch.to_bytes(4))
    return epoch


def _renewed(step: Step, account_id: int, first: int, now: int) -> int:
    prefix = account_prefix(account_id)
    value = step.get(prefix + b"a")
    if value is None:
        return 0
    account = decoded_account(value)
    modseq = max(first, account.mark, account.modseq) + 1
    validity = max(int.from_bytes(step.get(UID_VALIDITY) or b""), now)
    stored = step.scan(prefix + b"m")
    for key, record in stored:
        validity += 1
        box = decoded_mailbox(record)
        box.uid_validity = validity & 0xFFFFFFFF
        box.highest_modseq = modseq
        forget_all_expunges(step, prefix, box, modseq)
        step.put(key, encoded(box))
    forget_all_changes(step, prefix, account, modseq)
    account.modseq = account.mark = modseq
    account.next_mailbox += SKIPPED_MAILBOXES
    account.version += 1
    step.put(prefix + b"a", encoded(account))
    step.put(UID_VALIDITY, (validity & 0xFFFFFFFF).to_bytes(4))
    return len(stored)
