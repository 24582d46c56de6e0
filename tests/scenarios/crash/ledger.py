"""What was acknowledged, as told by the children, and whether a store still holds all of it."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from tests.contracts.mail import Mail, octets_of
from tests.scenarios.crash.child import body_octets_of


@dataclass
class Told:
    """One message. Where an operation was under way at the end, either outcome is right until it is settled."""

    flags: set[str] = field(default_factory=set)
    placements: set[tuple[int, int]] = field(default_factory=set)
    email_id: str = ""
    added: bool = False
    expunged: bool = False
    under_way: str = ""


class Ledger:
    """with_flags: whether acknowledged flags must be there (a power cut may take the last tenth of a second)."""

    def __init__(self, with_flags: bool = True) -> None:
        self.with_flags = with_flags
        self.told: dict[int, Told] = {}
        self.ids: dict[tuple[int, int], str] = {}
        self.modseq = 0
        self.acknowledged = 0

    def read(self, line: dict[str, Any]) -> None:
        if line.get("ok") == "open":
            return
        told = self.told.setdefault(line["n"], Told())
        if "try" in line:
            told.under_way = line["try"]
            return
        self.acknowledged += 1
        told.under_way = ""
        self.modseq = max(self.modseq, line["modseq"])
        if line["ok"] in ("add", "move"):
            told.added, told.email_id = True, line["id"]
            told.placements = {(line["box"], line["uid"])}
            assert self.ids.setdefault((line["box"], line["uid"]), line["id"]) == line["id"], "a UID was used again"
        elif line["ok"] == "flag":
            told.flags.add(line["flag"])
        else:
            told.expunged = True

    def compare(self, mail: Mail) -> None:
        """Everything acknowledged is there once, with its octets and flags; nothing acknowledged came back."""
        assert mail.state().modseq >= self.modseq, "MODSEQ went back"
        found: dict[str, list[tuple[int, int]]] = {}
        for row in mail.mailboxes():
            highest = max((uid for box, uid in self.ids if box == row.mailbox_id), default=0)
            assert row.uid_next > highest, "a UID would be used again"
            for one in mail.rows(row.mailbox_id):
                found.setdefault(one.email_id.hex(), []).append((row.mailbox_id, one.uid))
                known = self.ids.get((row.mailbox_id, one.uid))
                assert known in (None, one.email_id.hex()), "a UID was used again"
        for n, told in self.told.items():
            if told.added:
                self._compare_one(mail, n, told, found.get(told.email_id, []))

    def _compare_one(self, mail: Mail, n: int, told: Told, places: list[tuple[int, int]]) -> None:
        if told.expunged:
            assert places == [], f"message {n} was expunged and is back"
            return
        if told.under_way == "expunge" and not places:
            told.expunged = True
            return
        assert len(places) == 1, f"message {n} is in {places}"
        if told.under_way != "move":
            assert set(places) == told.placements, f"message {n} moved by itself"
        [(box, uid)] = places
        assert not self.with_flags or mail.flags(uid, box) >= told.flags, f"message {n} lost flags"
        octets = mail.octets(bytes.fromhex(told.email_id))
        wanted = octets_of(n, body_octets_of(n))
        assert hashlib.sha256(octets).digest() == hashlib.sha256(wanted).digest(), f"message {n} has other octets"

    def settle(self, mail: Mail) -> None:
        """What was under way is over: take what the store says of it for the truth from now on."""
        places = {
            one.email_id.hex(): (row.mailbox_id, one.uid)
            for row in mail.mailboxes()
            for one in mail.rows(row.mailbox_id)
        }
        for told in self.told.values():
            if told.added and told.under_way and told.email_id in places:
                told.placements = {places[told.email_id]}
                self.ids.setdefault(places[told.email_id], told.email_id)
            told.under_way = "add" if not told.added else ""

    def unanswered(self) -> list[int]:
        """Deliveries that a sender would try again."""
        return [n for n, told in self.told.items() if not told.added]
