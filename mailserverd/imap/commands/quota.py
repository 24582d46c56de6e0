"""GETQUOTA and GETQUOTAROOT (RFC 9208): one root, "", for all mailboxes of the account; STORAGE in units of 1,024."""

from mailserverd.imap.reply import Reply, no, ok
from mailserverd.imap.session import Session
from mailserverd.mailstore.mailboxes import find
from mailserverd.mailstore.quota import usage
from mailserverd.wire.imap.command.getquota import GetQuota
from mailserverd.wire.imap.command.mailboxes import GetQuotaRoot
from mailserverd.wire.imap.encode import mailbox


async def run(session: Session, command: GetQuota | GetQuotaRoot) -> Reply:
    if isinstance(command, GetQuota):
        if command.root:
            return no(b"No such quota root", b"NONEXISTENT")
    else:
        row = await find(session.mail, command.mailbox)
        session.send(b'* QUOTAROOT %b ""\r\n' % mailbox(row.name))
    used, limit, _ = await usage(session.mail)
    resources = b"" if limit is None else b"STORAGE %d %d" % (-(-used // 1024), limit // 1024)
    session.send(b'* QUOTA "" (%b)\r\n' % resources)
    return ok(b"Quota given")
