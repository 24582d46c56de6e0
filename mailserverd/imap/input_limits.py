"""How much one command of a client may be.

Standing rule: who has not come in needs little room, whatever the settings give those that have.
"""

from mailserverd.imap.session import Session

_BEFORE_LOGIN_OCTETS = 16_384


def line_limit(session: Session) -> int:
    limit = session.services.settings.imap.max_line_bytes
    return limit if session.login is not None else min(limit, _BEFORE_LOGIN_OCTETS)


def literal_limit(session: Session) -> int:
    """Of a literal that is not an APPEND's message."""
    limit = session.services.settings.imap.max_literal_bytes
    return limit if session.login is not None else min(limit, _BEFORE_LOGIN_OCTETS)


def append_limit(session: Session) -> int:
    """Of a message, by the settings and by the account."""
    limit = session.settings.imap.max_append_bytes
    own = session.account.max_message_octets if session.login is not None else None
    return limit if own is None else min(limit, own)
