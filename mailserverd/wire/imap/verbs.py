"""Every command that there is: its verb, its parser, and the states in which it may be given (RFC 9051 §3).

Standing rule: a verb stands here only when the command is whole.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass

from mailserverd.wire.imap.command import bare
from mailserverd.wire.imap.command.append import Append, parse_append
from mailserverd.wire.imap.command.authenticate import Authenticate, parse_authenticate
from mailserverd.wire.imap.command.copy import Copy, parse_copy
from mailserverd.wire.imap.command.enable import Enable, parse_enable
from mailserverd.wire.imap.command.expunge import Expunge, parse_expunge
from mailserverd.wire.imap.command.fetch import Fetch, parse_fetch
from mailserverd.wire.imap.command.getquota import GetQuota, parse_getquota
from mailserverd.wire.imap.command.identify import Identify, parse_id
from mailserverd.wire.imap.command.list import List, parse_list, parse_lsub
from mailserverd.wire.imap.command.login import Login, parse_login
from mailserverd.wire.imap.command.mailboxes import (
    Create,
    Delete,
    GetQuotaRoot,
    Rename,
    Subscribe,
    Unsubscribe,
    parse_create,
    parse_delete,
    parse_getquotaroot,
    parse_rename,
    parse_subscribe,
    parse_unsubscribe,
)
from mailserverd.wire.imap.command.move import Move, parse_move
from mailserverd.wire.imap.command.search import Search, parse_search
from mailserverd.wire.imap.command.select import Select, parse_examine, parse_select
from mailserverd.wire.imap.command.status import Status, parse_status
from mailserverd.wire.imap.command.store import Store, parse_store
from mailserverd.wire.imap.cursor import Cursor

Command = (
    bare.Bare
    | Append
    | Authenticate
    | Copy
    | Create
    | Delete
    | Enable
    | Expunge
    | Fetch
    | GetQuota
    | GetQuotaRoot
    | Identify
    | List
    | Login
    | Move
    | Rename
    | Search
    | Select
    | Status
    | Store
    | Subscribe
    | Unsubscribe
)


class States(enum.IntFlag):
    NOT_AUTHENTICATED = 1
    AUTHENTICATED = 2
    SELECTED = 4


ANY = States.NOT_AUTHENTICATED | States.AUTHENTICATED | States.SELECTED
LOGGED_IN = States.AUTHENTICATED | States.SELECTED


@dataclass(frozen=True, slots=True)
class Verb:
    """name: the verb with UID before it where it has one; it names the metric too.

    may_expunge: whether EXPUNGE may be told while it is answered (RFC 9051 §7.5.1).
    """

    name: str
    parse: Callable[[Cursor], Command]
    states: States
    may_expunge: bool = True


def _bare(name: str, value: bare.Bare, states: States) -> Verb:
    return Verb(name, bare.BareParser(value), states)


_S = States.SELECTED
_VERBS = (
    _bare("CAPABILITY", bare.Capability(), ANY),
    _bare("NOOP", bare.Noop(), ANY),
    _bare("LOGOUT", bare.Logout(), ANY),
    Verb("ID", parse_id, ANY),
    _bare("STARTTLS", bare.StartTls(), States.NOT_AUTHENTICATED),
    Verb("LOGIN", parse_login, States.NOT_AUTHENTICATED),
    Verb("AUTHENTICATE", parse_authenticate, States.NOT_AUTHENTICATED),
    Verb("ENABLE", parse_enable, LOGGED_IN),
    _bare("NAMESPACE", bare.Namespace(), LOGGED_IN),
    Verb("SELECT", parse_select, LOGGED_IN),
    Verb("EXAMINE", parse_examine, LOGGED_IN),
    Verb("CREATE", parse_create, LOGGED_IN),
    Verb("DELETE", parse_delete, LOGGED_IN),
    Verb("RENAME", parse_rename, LOGGED_IN),
    Verb("SUBSCRIBE", parse_subscribe, LOGGED_IN),
    Verb("UNSUBSCRIBE", parse_unsubscribe, LOGGED_IN),
    Verb("LIST", parse_list, LOGGED_IN),
    Verb("LSUB", parse_lsub, LOGGED_IN),
    Verb("STATUS", parse_status, LOGGED_IN),
    Verb("APPEND", parse_append, LOGGED_IN),
    Verb("GETQUOTA", parse_getquota, LOGGED_IN),
    Verb("GETQUOTAROOT", parse_getquotaroot, LOGGED_IN),
    _bare("IDLE", bare.Idle(), LOGGED_IN),
    _bare("CHECK", bare.Check(), _S),
    _bare("CLOSE", bare.Close(), _S),
    _bare("UNSELECT", bare.Unselect(), _S),
    Verb("EXPUNGE", parse_expunge, _S),
    Verb("FETCH", parse_fetch, _S, may_expunge=False),
    Verb("STORE", parse_store, _S, may_expunge=False),
    Verb("SEARCH", parse_search, _S, may_expunge=False),
    Verb("COPY", parse_copy, _S),
    Verb("MOVE", parse_move, _S),
)
_UID_VERBS = (
    Verb("UID EXPUNGE", lambda cursor: parse_expunge(cursor, uid=True), _S),
    Verb("UID FETCH", lambda cursor: parse_fetch(cursor, uid=True), _S),
    Verb("UID STORE", lambda cursor: parse_store(cursor, uid=True), _S),
    Verb("UID SEARCH", lambda cursor: parse_search(cursor, uid=True), _S),
    Verb("UID COPY", lambda cursor: parse_copy(cursor, uid=True), _S),
    Verb("UID MOVE", lambda cursor: parse_move(cursor, uid=True), _S),
)
VERBS = {verb.name.encode(): verb for verb in _VERBS}
UID_VERBS = {verb.name.encode()[4:]: verb for verb in _UID_VERBS}


def verb_at(text: bytes, start: int) -> tuple[Verb | None, int]:
    """The verb that stands at `start`, None for one that there is not, and where it ends."""
    end = text.find(b" ", start)
    if end < 0:
        end = len(text)
    name = text[start:end].upper()
    if name != b"UID":
        return VERBS.get(name), end
    start = end + 1
    end = text.find(b" ", start)
    if end < 0:
        end = len(text)
    return UID_VERBS.get(text[start:end].upper()), end
