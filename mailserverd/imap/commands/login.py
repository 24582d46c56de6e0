"""LOGIN (RFC 9051 §6.2.3). The password is judged by accounts/authenticator, which answers failures late."""

from mailserverd.accounts.login import Login as CameIn
from mailserverd.accounts.login import LoginFailure
from mailserverd.imap.capabilities import capabilities
from mailserverd.imap.reply import Reply, bad, no, ok
from mailserverd.imap.session import Session
from mailserverd.wire.imap.command.login import Login


async def run(session: Session, command: Login) -> Reply:
    result = await session.services.authenticator.password(command.user, command.password, session.peer, "LOGIN")
    return await admitted(session, result)


async def admitted(session: Session, result: CameIn | LoginFailure) -> Reply:
    """The answer to a login that was decided; the new capabilities come with it (RFC 9051 §6.2.3)."""
    if isinstance(result, LoginFailure):
        refusal = result.refusal
        code = refusal.imap_code.encode("ascii")
        text = refusal.text.encode("ascii")
        return bad(text, code) if refusal.is_syntax else no(text, code)
    session.login = result  # from here on its end is heard of
    try:
        mail = await session.services.store.open(result.account.account_id)
    except BaseException:
        session.login = None
        raise
    session.came_in(result, mail)
    return ok(b"Logged in", b"CAPABILITY " + capabilities(session))
