"""What one session has been told of its mailbox, and what it has still to be told.

Standing rules: sequence numbers are positions in the uids array that the client knows, which is the shared one until
an expunge waits to be told; a message is named by number only below `count`; nothing here waits, so that what is told
at once is of one moment; memory beside the shared arrays does not grow with the mailbox.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence

from mailserverd.imap.flag_texts import RECENT, FlagTexts, all_flags, flag_texts
from mailserverd.imap.spans import Spans
from mailserverd.interfaces.event_bus import EventBus
from mailserverd.interfaces.mail_store import AccountMail
from mailserverd.interfaces.mailbox_index import MailboxIndex
from mailserverd.model.changes import AccountEvent, What
from mailserverd.model.identifiers import MailboxId
from mailserverd.model.number_ranges import Ranges, merged, outside, ranges_of
from mailserverd.wire.imap.sequence_set import SequenceSet, resolve
from mailserverd.wire.imap.syntax_error import BadSyntax

MAX_RECENT_RANGES = 64
FLAGS_AT_ONCE = 1_000  # messages whose flags are told in one go


class Selected:
    """index: the shared truth. uids, count: the client's view of it. recent: UID ranges that are \\Recent here.

    own: UID ranges by modseq whose flags this session has been told by the answer to its own command.
    _untold: UIDs whose new flags are still to be told, in this order: of a change of many messages a part is at a time.
    """

    __slots__ = (
        "_expunges_from",
        "_flags_from",
        "_gone_told",
        "_keywords",
        "_seen_modseq",
        "_unsubscribe",
        "_untold",
        "condstore",
        "count",
        "index",
        "mail",
        "mailbox_id",
        "own",
        "read_only",
        "recent",
        "uids",
    )

    def __init__(self, mail: AccountMail, index: MailboxIndex, read_only: bool, condstore: bool = False) -> None:
        self.mail = mail
        self.index = index
        self.mailbox_id: MailboxId = index.row.mailbox_id
        self.read_only = read_only
        self.condstore = condstore
        self.uids: array[int] = index.uids
        self.count = len(index.uids)
        self.recent: list[tuple[int, int]] = []
        self.own: dict[int, Sequence[tuple[int, int]]] = {}
        self._gone_told = False
        self._unsubscribe: Callable[[], None] | None = None
        self._untold: array[int] | None = None
        self._keywords = index.row.keywords
        self._expunges_from = self._flags_from = index.position
        self._seen_modseq: int = index.row.highest_modseq

    def watch(self, events: EventBus, waiting: Callable[[], None]) -> None:
        """Call `waiting` whenever something happened in this mailbox, until close()."""
        mailbox_id = self.mailbox_id

        def heard(event: AccountEvent) -> None:
            for change in event.changes:
                if change.mailbox_id == mailbox_id:
                    waiting()
                    return

        self._unsubscribe = events.subscribe(self.mail.account_id, heard)

    def close(self) -> None:
        """The session leaves the mailbox. Does no harm twice."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    # -- numbers and uids

    def spans(self, ids: SequenceSet, uid: bool) -> Spans:
        """The messages meant. A number beyond the last is BadSyntax, a UID that is not there means nothing."""
        if uid:
            return self.uid_spans(ids)
        ranges = resolve(ids, self.count)
        # RFC 9051 §9 seq-number: beyond the number of messages, and "*" of an empty mailbox, is BAD
        if not self.count or ranges[-1][1] > self.count or ranges[0][0] < 1:
            raise BadSyntax("No message has that number")
        return [(low - 1, high) for low, high in ranges]

    def uid_spans(self, ids: SequenceSet) -> Spans:
        uids, count = self.uids, self.count
        spans: Spans = []
        for low, high in resolve(ids, uids[count - 1] if count else 0):
            start = bisect_left(uids, low, 0, count)
            stop = bisect_right(uids, high, start, count)
            if start < stop:
                if spans and spans[-1][1] == start:
                    spans[-1] = (spans[-1][0], stop)
                else:
                    spans.append((start, stop))
        return spans

    def uid_ranges(self, spans: Iterable[tuple[int, int]]) -> Ranges:
        """Inclusive UID ranges that hold of the mailbox exactly the messages of `spans`."""
        uids = self.uids
        return [(uids[start], uids[stop - 1]) for start, stop in spans]

    def ranges_at(self, positions: Sequence[int]) -> Ranges:
        """UID ranges of ascending positions."""
        uids = self.uids
        return [(uids[first], uids[last]) for first, last in ranges_of(positions)]

    def position_of(self, uid: int) -> int:
        """-1: not in the view."""
        i = bisect_left(self.uids, uid, 0, self.count)
        return i if i < self.count and self.uids[i] == uid else -1

    def are_gone(self, spans: Spans) -> bool:
        """Whether some of these are expunged, which the client is not told of yet."""
        if self.index.uids is self.uids:
            return False
        uids, position_of = self.uids, self.index.position_of
        return any(position_of(uids[i]) < 0 for start, stop in spans for i in range(start, stop))

    # -- flags

    def texts(self) -> FlagTexts:
        return flag_texts(self.index.row.keywords)

    def masks_at(self, positions: Sequence[int]) -> list[int]:
        """Current masks, with RECENT where it holds; -1 for messages that are gone."""
        index = self.index
        if index.uids is self.uids:
            masks = index.masks
            found = [masks[i] for i in positions]
        else:
            uids = self.uids
            where = [index.position_of(uids[i]) for i in positions]
            found = [index.masks[i] if i >= 0 else -1 for i in where]
        if self.recent:
            self._add_recent(found, positions)
        return found

    def _add_recent(self, masks: list[int], positions: Sequence[int]) -> None:
        uids = self.uids
        for low, high in self.recent:
            start = bisect_left(uids, low, 0, self.count)
            stop = bisect_right(uids, high, start, self.count)
            if start >= stop:
                continue
            for i in range(bisect_left(positions, start), bisect_left(positions, stop)):
                if masks[i] >= 0:
                    masks[i] |= RECENT

    def modseqs_at(self, positions: Sequence[int]) -> list[int]:
        index = self.index
        if index.uids is self.uids:
            modseqs = index.modseqs
            return [modseqs[i] for i in positions]
        uids = self.uids
        where = [index.position_of(uids[i]) for i in positions]
        return [index.modseqs[i] if i >= 0 else 0 for i in where]

    def recent_count(self) -> int:
        uids, count = self.uids, self.count
        return sum(bisect_right(uids, high, 0, count) - bisect_left(uids, low, 0, count) for low, high in self.recent)

    def claim_recent(self, low: int) -> None:
        """Messages from UID `low` on that no session was told of yet are \\Recent here (RFC 3501 §2.3.2)."""
        index = self.index
        low = max(low, index.recent_claimed)
        high = index.row.uid_next - 1
        if self.read_only or low > high:
            return
        index.recent_claimed = high + 1
        self.recent = merged([*self.recent, (low, high)])
        if len(self.recent) > MAX_RECENT_RANGES:
            self.recent = self.recent[1:]

    # -- telling

    def was_told(self, modseq: int, uids: Sequence[tuple[int, int]]) -> None:
        """The answer to a command shows the flags that this commit gave these UIDs: don't tell them again."""
        self.own[modseq] = [*self.own.get(modseq, ()), *uids]
        self._pass_own()

    def _pass_own(self) -> None:
        """Nothing else having happened, the news begins after these: a large STORE would outrun the log of changes."""
        for change in self.index.changes_after(self._flags_from) or ():
            if change.what is What.FLAGS:
                told = self.own.get(change.modseq)
                if told is None or outside(change.uids, told):
                    return
                del self.own[change.modseq]
                self._seen_modseq = change.modseq
            self._flags_from += 1

    @property
    def has_untold(self) -> bool:
        """pending_updates() did not tell all flags: when the client has taken these and others had their turn, it is to
        be asked again."""
        return self._untold is not None

    @property
    def parts_untold(self) -> int:
        """How often it is to be asked for them."""
        return 0 if self._untold is None else -(-len(self._untold) // FLAGS_AT_ONCE)

    def pending_updates(self, allow_expunge: bool = True, with_uid: bool = False) -> bytes:
        """What the client does not know yet, as untagged responses (RFC 9051 §7.3, §7.4): all but flags of more than
        FLAGS_AT_ONCE messages.

        allow_expunge: not while a command that names messages by number is answered (RFC 9051 §7.5.1).
        """
        index = self.index
        if index.gone:
            return self._tell_gone()
        keywords_known = index.row.keywords == self._keywords
        if index.position == self._flags_from and index.uids is self.uids and len(self.uids) == self.count:
            self.own = {}
            if self._untold is None:
                return b"" if keywords_known else self.new_keywords()
        out: list[bytes] = []
        if not keywords_known:
            out.append(self.new_keywords())
        changed = self._changed_flags()
        if index.uids is not self.uids and allow_expunge:
            self._tell_expunges(out)
        if index.uids is self.uids:
            self._expunges_from = index.position
            self._tell_new(out)
        self._tell_flags(out, self._portion(changed), with_uid)
        return b"".join(out)

    def _portion(self, changed: list[int]) -> Sequence[int]:
        """As many as are told now of the UIDs that were left before, then of these; ascending."""
        left: Sequence[int] = changed
        if self._untold is not None:
            before = set(self._untold) if changed else ()
            left = [*self._untold, *[uid for uid in changed if uid not in before]]
        self._untold = array("I", left[FLAGS_AT_ONCE:]) if len(left) > FLAGS_AT_ONCE else None
        return sorted(left[:FLAGS_AT_ONCE])

    def new_keywords(self) -> bytes:
        """FLAGS and PERMANENTFLAGS where the mailbox has keywords that the client has not heard of: before they are
        used in a FETCH."""
        keywords = self.index.row.keywords
        if keywords == self._keywords:
            return b""
        self._keywords = keywords
        line = b"* FLAGS (%b)\r\n" % all_flags(keywords)
        if self.read_only:
            return line
        return line + b"* OK [PERMANENTFLAGS (%b \\*)] Flags permitted\r\n" % all_flags(keywords)

    def _tell_gone(self) -> bytes:
        """Once; after that every command on the mailbox says so."""
        if self._gone_told:
            return b""
        self._gone_told = True
        return b"* NO The selected mailbox has been deleted\r\n"

    def _changed_flags(self) -> list[int]:
        """UIDs whose flags others have changed since they were last told."""
        index = self.index
        changes = index.changes_after(self._flags_from)
        own, self.own = self.own, {}
        seen, self._seen_modseq = self._seen_modseq, index.row.highest_modseq
        self._flags_from = index.position
        if changes is None:
            return [uid for uid, modseq in zip(index.uids, index.modseqs, strict=True) if modseq > seen]
        uids: set[int] = set()
        for change in changes:
            if change.what is What.FLAGS:
                told = own.get(change.modseq)
                uids.update(change.uids if told is None else outside(change.uids, told))
        return sorted(uids)

    def _tell_expunges(self, out: list[bytes]) -> None:
        gone = self._gone_positions()
        # each EXPUNGE renumbers what follows (RFC 9051 §7.5.1)
        out += [b"* %d EXPUNGE\r\n" % (position + 1 - before) for before, position in enumerate(gone)]
        self.uids = self.index.uids
        self.count -= len(gone)

    def _gone_positions(self) -> list[int]:
        changes = self.index.changes_after(self._expunges_from)
        if changes is not None:
            uids = {uid for change in changes if change.what is What.EXPUNGED for uid in change.uids}
            positions = [self.position_of(uid) for uid in sorted(uids)]
            return [position for position in positions if position >= 0]
        there = set(self.index.uids)
        return [i for i, uid in enumerate(self.uids[: self.count]) if uid not in there]

    def _tell_new(self, out: list[bytes]) -> None:
        now = len(self.uids)
        if now > self.count:
            first_new = self.uids[self.count]
            self.count = now
            self.claim_recent(first_new)
            out.append(b"* %d EXISTS\r\n* %d RECENT\r\n" % (now, self.recent_count()))

    def _tell_flags(self, out: list[bytes], uids: Sequence[int], with_uid: bool) -> None:
        if 8 * len(uids) > self.count:  # one look at each message costs less than finding each of these
            wanted = set(uids)
            positions = [i for i, uid in enumerate(self.uids[: self.count]) if uid in wanted]
        else:
            positions = [position for position in map(self.position_of, uids) if position >= 0]
        if positions:
            out.append(self.flag_lines(positions, with_uid or self.condstore))

    def flag_lines(self, positions: Sequence[int], with_uid: bool, with_flags: bool = True) -> bytes:
        """* n FETCH ([UID u] [FLAGS (...)] [MODSEQ (m)]) of each that is still there; MODSEQ once CONDSTORE is on
        (RFC 7162 §3.2)."""
        masks = self.masks_at(positions)
        texts = self.texts()
        columns: list[Iterable[object]] = [[i + 1 for i in positions]]
        items: list[bytes] = []
        if with_uid:
            uids = self.uids
            items.append(b"UID %d")
            columns.append([uids[i] for i in positions])
        if with_flags:
            items.append(b"FLAGS %b")
            columns.append([texts[mask] if mask >= 0 else b"" for mask in masks])
        if self.condstore:
            items.append(b"MODSEQ (%d)")
            columns.append(self.modseqs_at(positions))
        line = b"* %%d FETCH (%b)\r\n" % b" ".join(items)
        rows = zip(*columns, strict=True)
        if -1 in masks:
            return b"".join([line % row for row, mask in zip(rows, masks, strict=True) if mask >= 0])
        return b"".join([line % row for row in rows])
