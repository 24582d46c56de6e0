"""Large operations in stages, so that nobody's commit waits for all of one: EXPUNGE, MOVE, COPY, DELETE.

Standing rules: each stage is a commit of its own, told to sessions as it happens; a stage sees what came before it and
nothing of what came to the source later; a failure leaves an EXPUNGE and a MOVE done in part, each message whole
(RFC 9051 §6.4.3, RFC 6851 §3.3), and takes a COPY back (RFC 9051 §6.4.7): at once, or when the account is opened next.
Flags are set in steps by mailstore/flags.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from twisted.logger import Logger

from mailserverd.backends.lmdb.plan_commit import missing
from mailserverd.backends.lmdb.stage import (
    STAGE_MESSAGES,
    Stage,
    UnfinishedCopy,
    ranges_from,
    unfinished_key,
    with_placed,
)
from mailserverd.backends.lmdb.step import Step
from mailserverd.interfaces.mail_store import Committed, Copy, DropMailbox, Expunge, Move, Op, OpResult, Placed
from mailserverd.model.errors import NotFound, StoreError
from mailserverd.model.identifiers import MAX_UID, MailboxId, Uid
from mailserverd.model.mailbox import INBOX

if TYPE_CHECKING:
    from mailserverd.backends.lmdb.account_mail import LmdbAccountMail

LARGE = STAGE_MESSAGES // 8  # from here on a commit is one that small ones pass
_log = Logger()


def messages_of(mail: "LmdbAccountMail", op: Op) -> int:
    """How many messages an operation takes out of a mailbox, or to another one; at most."""
    if isinstance(op, DropMailbox):
        return mail.row_of(op.mailbox_id).messages
    if not isinstance(op, Copy | Move | Expunge):
        return 0
    row = mail.row_of(op.mailbox_id)
    there = row.deleted if isinstance(op, Expunge) and op.only_deleted else row.messages
    return min(there, sum(high - low + 1 for low, high in op.uids))


async def commit(mail: "LmdbAccountMail", ops: Sequence[Op], origin: object | None) -> Committed | None:
    """What was done in stages. None: `ops` is to be done at once; a large mailbox that it drops is empty by now."""
    for op in ops:
        if isinstance(op, DropMailbox) and messages_of(mail, op) > STAGE_MESSAGES:
            if mail.row_of(op.mailbox_id).name == INBOX:  # which will be refused
                return None
            await _in_stages(mail, Expunge(op.mailbox_id, ((1, MAX_UID),), only_deleted=False), origin)
        if len(ops) == 1 and isinstance(op, Copy | Move | Expunge) and messages_of(mail, op) >= LARGE:
            return await _in_stages(mail, op, origin)
    return None


async def _in_stages(mail: "LmdbAccountMail", op: Copy | Move | Expunge, origin: object | None) -> Committed:
    if not isinstance(op, Copy):
        return await _run(mail, op, origin, Stage())
    key = unfinished_key(mail.prefix, mail.store.random(8))
    mail.store.copying.add(key)
    try:
        return await _run(mail, op, origin, Stage(copy_key=key))
    finally:
        mail.store.copying.discard(key)


async def _run(mail: "LmdbAccountMail", op: Copy | Move | Expunge, origin: object | None, stage: Stage) -> Committed:
    last = mail.row_of(op.mailbox_id).uid_next - 1
    done: list[Uid] = []
    placed: list[Placed] = []
    rest = op
    while True:
        try:
            outcome = await mail.commit_once((rest,), origin=origin, stage=stage, large=True)
        except StoreError:
            if stage.copied:
                await take_back(mail, stage.copy_key, UnfinishedCopy(rest.target, list(stage.copied)))  # type: ignore[union-attr]
            raise
        result = outcome.committed.results[0]
        done += result.done
        placed += result.placed
        if not outcome.next_uid:
            break
        if isinstance(op, Copy):
            stage = stage._replace(copied=with_placed(stage.copied, result.placed))
        rest = replace(rest, uids=ranges_from(op.uids, outcome.next_uid, last))
    found: Sequence[int] = done if isinstance(op, Expunge) else [each.source_uid for each in placed]
    absent = 0 if isinstance(op, Expunge) and op.only_deleted else missing(op.uids, found)
    whole = OpResult(tuple(done), (), tuple(placed), result.mailbox_id, result.uid_validity, missing=absent)
    return Committed(outcome.committed.modseq, (whole,))


async def take_back(mail: "LmdbAccountMail", key: bytes, copy: UnfinishedCopy) -> None:
    """What a COPY that did not come to its end has put into its target. Where this fails the record stays."""
    target = MailboxId(copy.target)
    try:
        if copy.copied:
            await _in_stages(mail, Expunge(target, sorted(copy.copied), only_deleted=False), None)
    except NotFound:
        pass  # the target is gone, and its messages with it
    except StoreError as error:
        _log.error("a COPY that failed in part is taken back when its account is opened again", why=str(error))
        return
    try:
        await mail.store.writer.submit(lambda step: _forget(step, key), order=mail.account_id)
    except StoreError as error:
        _log.error("a COPY was taken back, but its record is still there", why=str(error))


def _forget(step: Step, key: bytes) -> None:
    step.delete(key)
