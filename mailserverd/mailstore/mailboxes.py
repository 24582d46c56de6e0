"""Mailboxes of an account: find, create, delete, rename, subscribe (RFC 9051 §6.3.4 to §6.3.8).

Standing rules: every function takes names as a client gave them, decoded; each change is one commit; a subscription
outlives its mailbox (RFC 9051 §6.3.7), as the attribute "subscribed/<name>" of the account.
"""

from collections.abc import Mapping

from mailserverd.interfaces.mail_store import AccountMail, DropMailbox, Move, Op, PutAttribute, PutMailbox
from mailserverd.mailstore.mailbox_names import canonical_name, check_new_name, is_below, parents
from mailserverd.model.errors import AlreadyExists, LimitReached, NotFound, NotPermitted
from mailserverd.model.identifiers import MAX_UID, MailboxId
from mailserverd.model.mailbox import INBOX, MailboxRow

SUBSCRIBED = "subscribed/"
MAX_ABSENT_SUBSCRIPTIONS = 1_000
MAX_MAILBOXES = 10_000  # of an account: every change of the list costs as much as there are
EVERY_UID = ((1, MAX_UID),)


async def by_name(mail: AccountMail) -> dict[str, MailboxRow]:
    return {row.name: row for row in await mail.mailboxes()}


async def find(mail: AccountMail, name: str) -> MailboxRow:
    """Raises NotFound."""
    row = await mail.mailbox_named(canonical_name(name))
    if row is None:
        raise NotFound("No such mailbox")
    return row


async def create(mail: AccountMail, name: str, special_use: tuple[str, ...] = ()) -> MailboxId:
    """Make the mailbox and those above it that are not there. Raises AlreadyExists, NotPermitted, LimitReached."""
    wanted = canonical_name(name)
    rows = await by_name(mail)
    if wanted in rows:
        raise AlreadyExists("Mailbox exists already")
    check_new_name(wanted)
    ops = await _put_names(mail, rows, [*parents(wanted), wanted])
    if special_use:
        ops[-1] = PutMailbox(None, wanted, special_use, ops[-1].subscribed)
    drops = [PutAttribute(SUBSCRIBED + op.name, None) for op in ops if op.subscribed and op.name]
    done = await mail.commit([*ops, *drops])
    made = done.results[len(ops) - 1].mailbox_id
    assert made is not None
    return made


async def _put_names(mail: AccountMail, rows: Mapping[str, MailboxRow], names: list[str]) -> list[PutMailbox]:
    """A mailbox that comes (back) under a subscribed name is subscribed."""
    absent = await mail.attributes(SUBSCRIBED, MAX_ABSENT_SUBSCRIPTIONS)
    made = [
        PutMailbox(None, name, subscribed=True if SUBSCRIBED + name in absent else None)
        for name in names
        if name not in rows
    ]
    if made and len(rows) + len(made) > MAX_MAILBOXES:
        raise LimitReached(f"An account has at most {MAX_MAILBOXES} mailboxes")
    return made


async def delete(mail: AccountMail, name: str) -> MailboxId:
    """The mailbox and its messages; its children stay (RFC 9051 §6.3.5). Raises NotFound, NotPermitted."""
    wanted = canonical_name(name)
    if wanted == INBOX:
        raise NotPermitted("INBOX cannot be deleted")
    row = await find(mail, wanted)
    ops: list[Op] = [DropMailbox(row.mailbox_id)]
    if row.subscribed and await _room_for_subscription(mail):
        ops.append(PutAttribute(SUBSCRIBED + row.name, b"1"))
    await mail.commit(ops)
    return row.mailbox_id


async def rename(mail: AccountMail, old: str, new: str) -> None:
    """With its children; those above the new name are made. Renaming INBOX moves its messages to a new mailbox and
    leaves it empty, its children where they are (RFC 9051 §6.3.6).
    Raises NotFound, AlreadyExists, NotPermitted, LimitReached."""
    source, target = canonical_name(old), canonical_name(new)
    rows = await by_name(mail)
    if target in rows:
        raise AlreadyExists("Mailbox exists already")
    check_new_name(target)
    if source == INBOX:
        made = await create(mail, target)
        await mail.commit([Move(rows[INBOX].mailbox_id, EVERY_UID, made)])
        return
    if is_below(target, source):
        raise NotPermitted("A mailbox cannot be moved below itself")
    family = [name for name in rows if name == source or is_below(name, source)]
    if not family:
        raise NotFound("No such mailbox")
    for name in family:
        moved = target + name[len(source) :]
        check_new_name(moved)
        if moved in rows:
            raise AlreadyExists(f"Mailbox {moved} exists already")
    ops: list[Op] = list(await _put_names(mail, rows, parents(target)))
    if source in rows:
        ops.append(PutMailbox(rows[source].mailbox_id, target))
    else:  # the name is only implied by its children
        tops = [name for name in family if not any(is_below(name, other) for other in family)]
        ops += [PutMailbox(rows[name].mailbox_id, target + name[len(source) :]) for name in tops]
    await mail.commit(ops)


async def subscribe(mail: AccountMail, name: str) -> None:
    """A name without a mailbox can be subscribed too (RFC 9051 §6.3.7). Raises LimitReached, NotPermitted."""
    wanted = canonical_name(name)
    row = (await by_name(mail)).get(wanted)
    if row is not None:
        if not row.subscribed:
            await mail.commit([PutMailbox(row.mailbox_id, subscribed=True)])
        return
    check_new_name(wanted)
    if not await _room_for_subscription(mail):
        raise LimitReached(f"At most {MAX_ABSENT_SUBSCRIPTIONS} subscriptions to mailboxes that are not there")
    await mail.commit([PutAttribute(SUBSCRIBED + wanted, b"1")])


async def unsubscribe(mail: AccountMail, name: str) -> None:
    """Does nothing where there is no subscription."""
    wanted = canonical_name(name)
    row = (await by_name(mail)).get(wanted)
    if row is not None and row.subscribed:
        await mail.commit([PutMailbox(row.mailbox_id, subscribed=False)])
    elif SUBSCRIBED + wanted in await mail.attributes(SUBSCRIBED + wanted, 1):
        await mail.commit([PutAttribute(SUBSCRIBED + wanted, None)])


async def absent_subscriptions(mail: AccountMail) -> list[str]:
    """Subscribed names without a mailbox, sorted."""
    found = await mail.attributes(SUBSCRIBED, MAX_ABSENT_SUBSCRIPTIONS)
    return sorted(name[len(SUBSCRIBED) :] for name in found)


async def _room_for_subscription(mail: AccountMail) -> bool:
    return len(await mail.attributes(SUBSCRIBED, MAX_ABSENT_SUBSCRIPTIONS)) < MAX_ABSENT_SUBSCRIPTIONS


async def furnish(mail: AccountMail, names: Mapping[str, str]) -> None:
    """The mailboxes that a new account starts with: special use ("\\\\Drafts") -> name; an empty name leaves one out.

    INBOX is subscribed. What is there already is left as it is.
    """
    rows = await by_name(mail)
    ops: list[Op] = [PutMailbox(rows[INBOX].mailbox_id, subscribed=True)] if not rows[INBOX].subscribed else []
    made = set(rows)
    for use, name in names.items():
        wanted = canonical_name(name)
        if not wanted or wanted in made:
            continue
        check_new_name(wanted)
        for above in parents(wanted):
            if above not in made:
                ops.append(PutMailbox(None, above, subscribed=True))
                made.add(above)
        ops.append(PutMailbox(None, wanted, (use,), True))
        made.add(wanted)
    if ops:
        await mail.commit(ops)
