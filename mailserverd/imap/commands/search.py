"""SEARCH and UID SEARCH (RFC 9051 §6.4.4, RFC 3501 §6.4.4, RFC 4731, RFC 7162 §3.1.5).

Standing rules: numbers and \\Recent are resolved here, the rest is mailstore's; an empty result is still answered; one
that would cost too much is NO [LIMIT] (RFC 5530 §3), never a part of the answer.
"""

from collections.abc import Sequence

from mailserverd.imap.mailbox_session import MailboxSession, selected_of, use_condstore
from mailserverd.imap.reply import Reply, ok
from mailserverd.imap.selected import Selected
from mailserverd.mailstore.find import find
from mailserverd.model import search_query as query
from mailserverd.wire.imap.command.search import Search
from mailserverd.wire.imap.encode import string
from mailserverd.wire.imap.search_keys import AllOf, AnyOf, Negation, Numbers, Recent, SearchKey
from mailserverd.wire.imap.sequence_set import STAR, format_numbers


async def run(session: MailboxSession, command: Search) -> Reply:
    selected = selected_of(session)
    wants_modseq = _names_modseq(command.key)
    if wants_modseq:
        use_condstore(session)  # RFC 7162 §3.1: a CONDSTORE enabling command
    wanted = to_query(command.key, selected)
    uids, count = selected.uids, selected.count
    turn, apart, limits = session.turn, session.searches, session.search_limits
    hits = await find(selected.mail, selected.index, uids, count, wanted, turn, apart, limits)
    numbers = [uids[i] for i in hits] if command.uid else [i + 1 for i in hits]
    modseqs = selected.modseqs_at(hits) if wants_modseq else []
    if command.returns is None:
        session.send(_search_line(numbers, modseqs))
    else:
        session.send(_esearch_line(session.tag, command.uid, command.returns, numbers, modseqs))
    return ok(b"Searched")


def to_query(key: SearchKey, selected: Selected) -> query.SearchQuery:
    """The query with numbers as UIDs."""
    if isinstance(key, Numbers):
        spans = selected.uid_spans(key.ids) if key.uid else _number_spans(key, selected)
        return query.UidIn(tuple(selected.uid_ranges(spans)))
    if isinstance(key, Recent):
        return query.UidIn(tuple(selected.recent))
    if isinstance(key, AllOf):
        return query.And(tuple(to_query(one, selected) for one in key.keys))
    if isinstance(key, AnyOf):
        return query.Or(tuple(to_query(one, selected) for one in key.keys))
    if isinstance(key, Negation):
        return query.Not(to_query(key.key, selected))
    return key


def _number_spans(key: Numbers, selected: Selected) -> list[tuple[int, int]]:
    """RFC 9051 §9 seq-number: beyond the last is BAD; but clients ask an empty mailbox for 1:*, and mean all of it."""
    if not selected.count and any(STAR in ends for ends in key.ids.ranges):
        return []
    return selected.spans(key.ids, uid=False)


def _names_modseq(key: SearchKey) -> bool:
    if isinstance(key, AllOf | AnyOf):
        return any(map(_names_modseq, key.keys))
    if isinstance(key, Negation):
        return _names_modseq(key.key)
    return isinstance(key, query.ModSeqAtLeast)


def _search_line(numbers: Sequence[int], modseqs: Sequence[int]) -> bytes:
    line = b"* SEARCH" + b"".join([b" %d" % number for number in numbers])
    if modseqs:  # RFC 7162 §3.1.5: only with a result
        line += b" (MODSEQ %d)" % max(modseqs)
    return line + b"\r\n"


def _esearch_line(
    tag: bytes, uid: bool, returns: frozenset[bytes], numbers: Sequence[int], modseqs: Sequence[int]
) -> bytes:
    """RFC 4731 §3.1: MIN, MAX and ALL only with a result, COUNT always."""
    words = [b"* ESEARCH (TAG %b)" % string(tag)]
    if uid:
        words.append(b"UID")
    if numbers:
        if b"MIN" in returns:
            words.append(b"MIN %d" % numbers[0])
        if b"MAX" in returns:
            words.append(b"MAX %d" % numbers[-1])
        if b"ALL" in returns:
            words.append(b"ALL " + format_numbers(numbers))
    if b"COUNT" in returns:
        words.append(b"COUNT %d" % len(numbers))
    if modseqs:
        words.append(b"MODSEQ %d" % _modseq_of(returns, modseqs))
    return b" ".join(words) + b"\r\n"


def _modseq_of(returns: frozenset[bytes], modseqs: Sequence[int]) -> int:
    """RFC 7162 §3.1.5: of the messages that are told, where only MIN or MAX are."""
    if returns & {b"ALL", b"COUNT"}:
        return max(modseqs)
    ends = ([modseqs[0]] if b"MIN" in returns else []) + ([modseqs[-1]] if b"MAX" in returns else [])
    return max(ends)
