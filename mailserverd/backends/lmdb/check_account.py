"""Judging one account: what its records should be, told from those that cannot be told from others.

Standing rules: pure; rows are the truth about which messages there are, state pages about their flags; everything else
(pages' bounds, counters, placements, thread members, logs' lengths) is worked out from them and compared. Every
difference is a finding that carries its repair; a repair never throws away what a user could still read.
"""

from collections.abc import Iterator

import msgspec

from mailserverd.backends.lmdb.check_finding import ERROR, LOSS, WARNING, Finding
from mailserverd.backends.lmdb.check_logs import log_findings
from mailserverd.backends.lmdb.check_mailbox import MailboxCheck
from mailserverd.backends.lmdb.check_snapshot import Place, Snapshot
from mailserverd.backends.lmdb.keys import INDEX_JOURNAL
from mailserverd.backends.lmdb.records import AccountRecord, MailboxRecord, encoded
from mailserverd.backends.lmdb.row_rebuild import RebuildRow

_REPAIRED_VERSION = 1 << 40


class AccountCheck:
    """rebuild: makes a lost row from the message's content, where that is possible."""

    def __init__(self, snapshot: Snapshot, validity: int, rebuild: RebuildRow) -> None:
        self._found = snapshot
        self._rebuild = rebuild
        self._validity = validity
        self._lost_account = snapshot.account is None
        self.account = snapshot.account or AccountRecord(0, 0, 0, _REPAIRED_VERSION, 0, 0, 1, 0)
        self.account = msgspec.structs.replace(self.account)
        self._boxes: dict[int, MailboxRecord] = {}

    def findings(self) -> list[Finding]:
        """An account of which nothing is there has none."""
        found = self._found
        if found.account is None and not (
            found.boxes or found.rows or found.pages or found.contents or found.unreadable
        ):
            leftovers = [*(key for key, _ in found.logs), *(key for key, _ in found.marks), *found.strange]
            return [self._leftovers(leftovers)] if leftovers else []
        return list(self._all())

    def _all(self) -> Iterator[Finding]:
        yield from self._strange()
        places: dict[bytes, set[Place]] = {}
        rows, rebuilt = self._rows_with_rebuilt()
        yield from rebuilt
        for place, (email_id, _, _) in rows.items():
            places.setdefault(email_id, set()).add(place)
        boxes = []
        for number in sorted({*self._found.boxes, *self._found.pages, *(box for box, _ in rows)}):
            check = MailboxCheck(self._found, number, rows, self._validity)
            yield from check.findings()
            boxes.append(check.box)
        self._boxes = {box.mailbox_id: box for box in boxes}
        yield from self._placements(places)
        yield from self._members(rows)
        yield from log_findings(self._found, self.account, self._boxes, rows)
        yield from self._account(boxes)

    def _strange(self) -> Iterator[Finding]:
        for key in self._found.strange:
            yield self._finding(WARNING, f"a record that means nothing: {key.hex()}", deletes=(key,))
        for key in self._found.unreadable:
            kind = key[len(self._found.prefix) : len(self._found.prefix) + 1]
            if kind in (b"r", b"s"):  # what they should say is put by the findings below
                yield self._finding(ERROR, f"an unreadable record of kind {kind.decode()}: {key.hex()}", deletes=(key,))

    # Rows

    def _rows_with_rebuilt(self) -> tuple[dict[Place, tuple[bytes, bytes, int]], list[Finding]]:
        """All rows, those included that can be made again from content and placement."""
        found, rows, findings = self._found, dict(self._found.rows), []
        threads = {email_id: thread_id for thread_id, email_id in found.members}
        for email_id, packed in found.placements.items():
            for i in range(0, len(packed) - 7, 8):
                place = int.from_bytes(packed[i : i + 4]), int.from_bytes(packed[i + 4 : i + 8])
                if place in rows or email_id not in found.contents or not self._has_state(place):
                    continue
                thread = threads.get(email_id, email_id)
                made = self._rebuild(email_id, thread)
                what = f"message {place[1]} of mailbox {place[0]} has lost its row"
                key = found.prefix + b"r" + place[0].to_bytes(4) + place[1].to_bytes(4)
                if made is None:
                    findings.append(self._finding(LOSS, what, what_to_do="restore the account from a backup"))
                    rows[place] = (email_id, thread, 0)
                    continue
                row, size = made
                findings.append(self._finding(ERROR, what, puts=((key, row),)))
                rows[place] = (email_id, thread, size)
        return rows, findings

    def _has_state(self, place: Place) -> bool:
        return any(place[1] in page.uids for page in self._found.pages.get(place[0], ()))

    # What refers to what

    def _placements(self, places: dict[bytes, set[Place]]) -> Iterator[Finding]:
        found = self._found
        for email_id, wanted in places.items():
            key = found.prefix + b"e" + email_id
            packed = found.placements.get(email_id, b"")
            told = [packed[i : i + 8] for i in range(0, len(packed), 8)]
            right = sorted(box.to_bytes(4) + uid.to_bytes(4) for box, uid in wanted)
            if sorted(told) != right:
                what = f"message {email_id.hex()} lies in {sorted(wanted)}, its placements say otherwise"
                yield self._finding(ERROR, what, puts=((key, b"".join(right)),))
            if email_id not in found.contents:
                box, uid = min(wanted)
                what = f"the octets of message {uid} of mailbox {box} are gone"
                yield self._finding(LOSS, what, what_to_do="restore it from a backup, or expunge it")
        for email_id in found.placements.keys() - places.keys():
            yield self._finding(
                WARNING,
                f"placements of a message that is in no mailbox: {email_id.hex()}",
                deletes=(found.prefix + b"e" + email_id, found.prefix + b"b" + email_id),
            )
        for email_id in found.contents - places.keys() - found.placements.keys():
            key = found.prefix + b"b" + email_id
            yield self._finding(WARNING, f"octets of a message that is in no mailbox: {email_id.hex()}", deletes=(key,))

    def _members(self, rows: dict[Place, tuple[bytes, bytes, int]]) -> Iterator[Finding]:
        found, wanted = self._found, {(thread, email) for email, thread, _ in rows.values() if thread != email}
        for thread, email in sorted(wanted - found.members):
            key = found.prefix + b"T" + thread + email
            yield self._finding(ERROR, f"thread {thread.hex()} misses its message {email.hex()}", puts=((key, b""),))
        for thread, email in sorted(found.members - wanted):
            key = found.prefix + b"T" + thread + email
            yield self._finding(WARNING, f"thread {thread.hex()} names a message that is gone", deletes=(key,))
        for key, value in found.marks:
            if len(value) != 16:
                yield self._finding(WARNING, f"a message id leads to no thread: {key.hex()}", deletes=(key,))

    # The account record: judged last, when it is known what it should say

    def _account(self, boxes: list[MailboxRecord]) -> Iterator[Finding]:
        found, account = self._found, self.account
        wrong = ["it is missing or unreadable"] if self._lost_account else []
        sums = {
            "octets": sum(box.octets for box in boxes),
            "messages": sum(box.messages for box in boxes),
            "mailboxes": len(boxes),
        }
        for name, right in sums.items():
            if getattr(account, name) != right:
                wrong.append(f"{name} is {getattr(account, name)}, not {right}")
                setattr(account, name, right)
        highest = max((box.mailbox_id for box in boxes), default=0)
        if account.next_mailbox <= highest:
            wrong.append(f"mailbox id {highest} would be given out again")
            account.next_mailbox = highest + 1
        modseq = max((box.highest_modseq for box in boxes), default=0)
        if found.account is not None and found.account.modseq < max(modseq, account.modseq):
            wrong.append(f"modseq is {found.account.modseq}, {max(modseq, account.modseq)} was given out already")
        account.modseq = max(modseq, account.modseq)
        if found.account is not None and (account.changes_floor, account.changes) != (
            found.account.changes_floor,
            found.account.changes,
        ):
            wrong.append("the history is not as long as it says")
        if wrong:
            account.mark = max(account.mark, account.modseq)
            account.version += 1
            if self._lost_account:
                account.changes_floor = max(account.changes_floor, account.modseq)
                account.mark = account.modseq = account.modseq + 1
            key = found.prefix + b"a"
            yield self._finding(ERROR, "account record: " + "; ".join(wrong), puts=((key, encoded(account)),))
        yield from self._journal()

    def _journal(self) -> Iterator[Finding]:
        found, key = self._found, INDEX_JOURNAL + self._found.prefix[1:]
        if found.rows and (found.journal is None or int.from_bytes(found.journal) > self.account.modseq):
            value = self.account.modseq.to_bytes(8)
            yield self._finding(WARNING, "the index journal does not know of the account's mail", puts=((key, value),))

    def _leftovers(self, keys: list[bytes]) -> Finding:
        return self._finding(WARNING, f"{len(keys)} records of an account that is gone", deletes=tuple(keys))

    def _finding(
        self,
        severity: str,
        what: str,
        puts: tuple[tuple[bytes, bytes], ...] = (),
        deletes: tuple[bytes, ...] = (),
        what_to_do: str = "",
    ) -> Finding:
        return Finding(severity, self._found.account_id, what, puts, deletes, what_to_do)


def merged(findings: list[Finding]) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
    """All repairs together: what one finding deletes and another puts is put."""
    puts: dict[bytes, bytes] = {}
    deletes: set[bytes] = set()
    for finding in findings:
        puts.update(finding.puts)
        deletes.update(finding.deletes)
    return list(puts.items()), sorted(deletes - puts.keys())
