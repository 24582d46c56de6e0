"""What a running server acknowledged to its clients, message by message, and whether it still holds all of it.

Standing rules: a client notes what it is about to ask before it asks, and the outcome when it is acknowledged; of what
was under way when the server died either outcome is right; everything else must be exactly as acknowledged.
"""

import re
from dataclasses import dataclass, field
from threading import RLock

from tests.scenarios.crash.reading import Found

Places = dict[str, tuple[int, frozenset[str]]]
"""mailbox -> (uid, flags). uid 0: not told to the client."""
_MARK = re.compile(rb"mark-([0-9a-z]+-[0-9]+-[0-9]+)-end")


def message(mark: str, lines: int) -> bytes:
    """Its last line says that all of it is there."""
    body = b"".join(b"%b line %d\r\n" % (mark.encode(), number) for number in range(lines))
    return b"From: a@b.test\r\nSubject: mark-%b-end\r\n\r\n%bend of %b\r\n" % (mark.encode(), body, mark.encode())


@dataclass
class Told:
    """places: as acknowledged; under_way: as it will be when what was asked is done, None where nothing was."""

    octets: bytes
    places: Places = field(default_factory=dict)
    under_way: Places | None = None


class Ledger:
    def __init__(self) -> None:
        self.lock = RLock()
        self.told: dict[str, Told] = {}
        self.uids: dict[tuple[str, int], str] = {}
        self.marks = {"modseq": 0}
        self.validity: dict[str, int] = {}
        self.acknowledged = 0

    def asks(self, mark: str, places: Places, octets: bytes = b"") -> None:
        with self.lock:
            told = self.told.setdefault(mark, Told(octets))
            told.under_way = places

    def acknowledges(self, mark: str, uid: int = 0, mailbox: str = "") -> None:
        """uid: of the message's new place."""
        with self.lock:
            told = self.told[mark]
            self.acknowledged += 1
            assert told.under_way is not None
            told.places, told.under_way = told.under_way, None
            if uid:
                told.places[mailbox] = (uid, told.places[mailbox][1])
                self.used(mailbox, uid, mark)

    def delivered(self, mark: str) -> None:
        """Its sender has the answer; somebody else may have seen the message before, and moved it."""
        with self.lock:
            told = self.told[mark]
            self.acknowledged += 1
            if not told.places:
                assert told.under_way is not None
                told.places, told.under_way = told.under_way, None

    def used(self, mailbox: str, uid: int, mark: str) -> None:
        with self.lock:
            assert self.uids.setdefault((mailbox, uid), mark) == mark, f"UID {uid} of {mailbox} was used again"

    def saw_modseq(self, modseq: int) -> None:
        with self.lock:
            self.marks["modseq"] = max(self.marks["modseq"], modseq)

    def compare(self, found: dict[str, Found]) -> None:
        """found: all mailboxes after a restart. What was under way is settled as it turned out."""
        there: dict[str, Places] = {}
        for mailbox, state in found.items():
            self._compare_mailbox(mailbox, state)
            for uid, flags, octets in state.messages:
                mark = _MARK.search(octets)[1].decode()  # type: ignore[index]
                assert mailbox not in there.setdefault(mark, {}), f"{mark} is in {mailbox} twice"
                there[mark][mailbox] = uid, flags
                self.used(mailbox, uid, mark)
                assert octets.endswith(self.told[mark].octets), f"{mark} has other octets"
        assert max(state.modseq for state in found.values()) >= self.marks["modseq"], "MODSEQ went back"
        for mark, told in self.told.items():
            now = there.pop(mark, {})
            right = [told.places] + ([told.under_way] if told.under_way is not None else [])
            assert any(_same(each, now) for each in right), f"{mark} is at {now} and should be at one of {right}"
            told.places, told.under_way = now, None
        assert not there, f"these were never sent: {there}"

    def _compare_mailbox(self, mailbox: str, state: Found) -> None:
        assert self.validity.setdefault(mailbox, state.uid_validity) == state.uid_validity, "UIDVALIDITY changed"
        highest = max((uid for name, uid in self.uids if name == mailbox), default=0)
        assert state.uid_next > highest, f"a UID of {mailbox} would be used again"
        self.saw_modseq(state.modseq)


def _same(told: Places, now: Places) -> bool:
    return told.keys() == now.keys() and all(
        uid in (0, now[mailbox][0]) and flags == now[mailbox][1] for mailbox, (uid, flags) in told.items()
    )
