"""LIST and LSUB (RFC 9051 §6.3.9, RFC 3501 §6.3.9, RFC 5258, RFC 5819, RFC 6154).

Standing rules: names above a mailbox that are no mailboxes are listed as \\NonExistent (\\Noselect to those who ask in
the old way); every name at most once; attributes in one order.
"""

from dataclasses import dataclass, field

from mailserverd.imap.commands.status import status_line
from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session
from mailserverd.mailstore.mailbox_names import parents
from mailserverd.mailstore.mailboxes import absent_subscriptions
from mailserverd.model.mailbox import INBOX, SEPARATOR, MailboxRow
from mailserverd.wire.imap.command.list import List, Selection, Wanted
from mailserverd.wire.imap.encode import mailbox
from mailserverd.wire.imap.patterns import compile_pattern, name_matches


@dataclass(slots=True)
class _Entry:
    """A name in the tree. row: None where no mailbox has it. children: a mailbox is below it. below: what is true
    of something below it."""

    row: MailboxRow | None = None
    subscribed: bool = False
    children: bool = False
    below: set[Selection] = field(default_factory=set)


async def run(session: Session, command: List) -> Reply:
    if command.patterns == ("",) and not command.extended:  # RFC 9051 §6.3.9: asks for the separator alone
        session.send(b'* LIST (\\Noselect) "/" ""\r\n')
        return ok(b"Listed")
    entries = await _tree(session)
    patterns = [compile_pattern(_joined(command.reference, pattern)) for pattern in command.patterns]
    for name, entry in sorted(entries.items(), key=lambda item: (item[0] != INBOX, item[0])):
        if any(name_matches(pattern, name) for pattern in patterns):
            line = _lsub_line(name, entry, command) if command.lsub else _line(name, entry, command)
            if line:
                session.send(line)
                if command.status and entry.row is not None:
                    session.send(await status_line(session, entry.row, command.status))
        await session.drained()
    return ok(b"Listed")


def _joined(reference: str, pattern: str) -> str:
    """A pattern that begins at the root ignores the reference."""
    return pattern.removeprefix(SEPARATOR) if pattern.startswith(SEPARATOR) else reference + pattern


async def _tree(session: Session) -> dict[str, _Entry]:
    entries: dict[str, _Entry] = {}
    for row in await session.mail.mailboxes():
        entries[row.name] = _Entry(row, row.subscribed)
    for name in await absent_subscriptions(session.mail):
        entries.setdefault(name, _Entry()).subscribed = True
    for name, entry in list(entries.items()):
        for above in parents(name):
            parent = entries.setdefault(above, _Entry())
            parent.children |= entry.row is not None
            parent.below.update(_holds(entry))
        await session.turn()
    return entries


def _holds(entry: _Entry) -> set[Selection]:
    held = {Selection.SUBSCRIBED} if entry.subscribed else set()
    if entry.row is not None and entry.row.special_use:
        held.add(Selection.SPECIAL_USE)
    return held


def _line(name: str, entry: _Entry, command: List) -> bytes:
    """b"" where the selection leaves it out."""
    wished = command.select - {Selection.REMOTE, Selection.RECURSIVEMATCH}
    chosen = wished <= _holds(entry) if wished else entry.row is not None or entry.children
    child_info = b""
    if not chosen:
        below = wished & entry.below
        if Selection.RECURSIVEMATCH not in command.select or not below:
            return b""
    if Selection.RECURSIVEMATCH in command.select and wished and wished & entry.below:
        names = [b'"%b"' % each.value for each in sorted(wished & entry.below, key=lambda each: each.value)]
        child_info = b' ("CHILDINFO" (%b))' % b" ".join(names)  # RFC 5258 §3.5
    attributes = _attributes(entry, command)
    return b'* LIST (%b) "/" %b%b\r\n' % (b" ".join(attributes), mailbox(name), child_info)


def _attributes(entry: _Entry, command: List) -> list[bytes]:
    attributes = []
    if entry.row is None:
        attributes.append(b"\\NonExistent" if command.extended else b"\\Noselect")
    attributes.append(b"\\HasChildren" if entry.children else b"\\HasNoChildren")
    if entry.subscribed and (Wanted.SUBSCRIBED in command.wanted or Selection.SUBSCRIBED in command.select):
        attributes.append(b"\\Subscribed")
    if entry.row is not None:  # RFC 6154 §2: a plain LIST may tell them too, and clients use it
        attributes.extend(use.encode("ascii") for use in entry.row.special_use)
    return attributes


def _lsub_line(name: str, entry: _Entry, command: List) -> bytes:
    """RFC 3501 §6.3.9: with "%", a name that is not subscribed but has subscribed ones below is told as \\Noselect.

    Here that means "not subscribed", so a subscribed name without a mailbox does not get it; LIST says what is there.
    """
    if entry.subscribed:
        attributes = b""
    elif Selection.SUBSCRIBED in entry.below and command.patterns[0].endswith("%"):
        attributes = b"\\Noselect"
    else:
        return b""
    return b'* LSUB (%b) "/" %b\r\n' % (attributes, mailbox(name))
