"""STARTTLS (RFC 9051 §6.2.1). The server begins TLS after the answer and throws away what came before."""

from mailserverd.imap.reply import Reply, bad, ok
from mailserverd.imap.session import Session


async def run(session: Session, command: object) -> Reply:
    if not session.wire.can_start_tls():
        return bad(b"TLS is active already" if session.peer.tls else b"TLS is not available")
    session.wants_tls = True
    return ok(b"Begin TLS now")
