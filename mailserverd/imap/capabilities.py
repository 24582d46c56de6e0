"""What CAPABILITY answers (RFC 9051 §6.1.1), by state.

Standing rule: a name stands here only while all of it works; what needs TLS or a login first is told then.
"""

from mailserverd.imap.input_limits import append_limit
from mailserverd.imap.session import Session

_ALWAYS = b"IMAP4rev1 LITERAL+ SASL-IR ID ENABLE"
_AFTER_LOGIN = (
    b"IMAP4rev1 LITERAL+ ID ENABLE IDLE NAMESPACE UIDPLUS MOVE UNSELECT CHILDREN SPECIAL-USE LIST-EXTENDED LIST-STATUS "
    b"ESEARCH CONDSTORE QUOTA QUOTA=RES-STORAGE OBJECTID STATUS=SIZE APPENDLIMIT=%d"
)


def capabilities(session: Session) -> bytes:
    if session.login is not None:
        return _AFTER_LOGIN % append_limit(session)
    names = [_ALWAYS]
    if session.wire.can_start_tls():
        names.append(b"STARTTLS")
    mechanisms = session.services.authenticator.mechanisms(session.peer)
    names.extend(b"AUTH=" + mechanism.encode("ascii") for mechanism in mechanisms)
    if not mechanisms:
        names.append(b"LOGINDISABLED")
    return b" ".join(names)
