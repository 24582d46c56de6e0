"""NAMESPACE (RFC 2342): one personal namespace without prefix, and no others."""

from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.session import Session


async def run(session: Session, command: object) -> Reply:
    session.send(b'* NAMESPACE (("" "/")) NIL NIL\r\n')
    return ok(b"Namespaces listed")
