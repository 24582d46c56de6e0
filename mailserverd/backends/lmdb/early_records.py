"""What the early journal holds of a commit: account, version, and the operations, in msgpack."""

from collections.abc import Sequence

import msgspec

from mailserverd.backends.lmdb.keys import account_prefix
from mailserverd.backends.lmdb.outcome import Outcome
from mailserverd.backends.lmdb.plan_account import Terms
from mailserverd.backends.lmdb.plan_commit import plan_commit
from mailserverd.backends.lmdb.records import decoded_account
from mailserverd.backends.lmdb.step import Step
from mailserverd.interfaces.mail_store import Op, SetFlags, TakeRecent
from mailserverd.model.errors import StoreError


class EarlyRecord(msgspec.Struct, array_like=True):
    account_id: int
    version: int
    flags: list[SetFlags]
    recent: list[TakeRecent]


_decode = msgspec.msgpack.Decoder(EarlyRecord).decode


def encoded_record(account_id: int, ops: Sequence[Op], outcome: Outcome) -> bytes:
    version = outcome.account.version if outcome.account is not None else 0
    return msgspec.msgpack.encode(
        EarlyRecord(
            account_id,
            version,
            [op for op in ops if isinstance(op, SetFlags)],
            [op for op in ops if isinstance(op, TakeRecent)],
        )
    )


def plan_replay(step: Step, records: Sequence[bytes], boot: int, now: float) -> int:
    """Do again what was acknowledged and not committed when the last run ended; how many."""
    versions: dict[int, int] = {}
    done = 0
    for packed in records:
        record = _decode(packed)
        if record.account_id not in versions:
            value = step.get(account_prefix(record.account_id) + b"a")
            versions[record.account_id] = decoded_account(value).version if value is not None else 1 << 63
        if record.version <= versions[record.account_id]:
            continue
        terms = Terms(boot, now, None, 1 << 31, 1)
        ops: list[Op] = [*record.flags, *record.recent]
        for op in ops:
            try:
                plan_commit(step, record.account_id, terms, (op,), None, None, bytes)
                done += 1
            except StoreError:  # its mailbox has gone since
                continue
    return done
