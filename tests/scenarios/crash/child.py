"""The process that is killed: it commits through the real store and says on standard output what was acknowledged.

    python -m tests.scenarios.crash.child DIRECTORY SEED

A line is a JSON object, written with one write(2): {"try": ...} before an operation is given to the store, {"ok": ...}
after it was acknowledged. Several operations are always under way, so that the end finds commits half done.
"""

import json
import os
import random
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from mailserverd.interfaces.mail_store import Add, Expunge, Move, PutMailbox, SetFlags
from mailserverd.model.errors import TryAgain
from mailserverd.model.identifiers import MailboxId
from mailserverd.model.message import NewMessage
from tests.backends.lmdb.embedded import Embedded
from tests.contracts.loop import Loop
from tests.contracts.mail import Mail, blob_segment, message_of, octets_of

AT_ONCE = 8
FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "$Forwarded", "Work")


def say(**line: object) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


def key_of(n: int) -> bytes:
    return b"delivery %d" % n


def body_octets_of(n: int) -> int:
    return (0, 300, 3_000, 9_000, 40_000)[n % 5]


async def new_message(store: Embedded, n: int) -> tuple[bytes, NewMessage]:
    """Message n: every fifth keeps its body as a blob."""
    octets = octets_of(n, body_octets_of(n))
    if n % 5 != 4:
        return octets, message_of(octets)
    blob_id = await store.blobs.put(octets)
    return octets, message_of(octets, (blob_segment(blob_id, len(octets)),))


class Child:
    """tell: where the lines go; a store that refuses with TryAgain is told of and asked again later."""

    def __init__(self, store: Embedded, seed: int, tell: Callable[..., None] = say) -> None:
        self.loop = store.loop
        self.random = random.Random(seed)
        self.store = store
        self.say = tell
        self.refused = 0
        self.mail = Mail(self.loop, self.store.mail_store)
        boxes = {row.name: row.mailbox_id for row in self.mail.mailboxes()}
        if "Other" not in boxes:
            boxes["Other"] = self.mail.commit(PutMailbox(None, "Other")).results[0].mailbox_id or MailboxId(0)
        self.boxes = [boxes["INBOX"], boxes["Other"]]
        self.next = seed * 1_000_000
        self.idle: list[tuple[int, int, int]] = []  # acknowledged messages without an operation under way

    def run(self) -> None:
        """For ever, until it is killed."""
        self.say(ok="open")
        while True:
            self.round()

    def round(self) -> None:
        """Some operations at once."""
        work = [Deferred.fromCoroutine(self.something()) for _ in range(AT_ONCE)]
        for success, result in self.loop.run(DeferredList(work, consumeErrors=True)):
            if not success:
                result.trap(TryAgain)
                self.refused += 1

    def something(self) -> Coroutine[Any, Any, None]:
        kind = self.random.choices(["add", "flag", "expunge", "move"], [50, 30, 10, 10])[0]
        if kind == "add" or not self.idle:
            self.next += 1
            return self.add(self.next)
        chosen = self.idle.pop(self.random.randrange(len(self.idle)))
        return {"flag": self.flag, "expunge": self.expunge, "move": self.move}[kind](*chosen)

    async def add(self, n: int) -> None:
        _, message = await new_message(self.store, n)
        box = self.boxes[n % 2]
        self.say(**{"try": "add", "n": n, "box": box})
        done = await self.mail.account.commit([Add(box, message, (), n)], idempotency_key=key_of(n))
        placed = done.results[0].placed[0]
        self.say(ok="add", n=n, box=box, uid=placed.uid, id=placed.email_id.hex(), modseq=done.modseq)
        self.idle.append((n, box, placed.uid))

    async def flag(self, n: int, box: int, uid: int) -> None:
        flag = self.random.choice(FLAGS)
        self.say(**{"try": "flag", "n": n})
        done = await self.mail.account.commit([SetFlags(MailboxId(box), ((uid, uid),), "add", (flag,))])
        self.say(ok="flag", n=n, flag=flag, modseq=done.modseq)
        self.idle.append((n, box, uid))

    async def expunge(self, n: int, box: int, uid: int) -> None:
        self.say(**{"try": "expunge", "n": n})
        done = await self.mail.account.commit([Expunge(MailboxId(box), ((uid, uid),), only_deleted=False)])
        self.say(ok="expunge", n=n, box=box, uid=uid, modseq=done.modseq)

    async def move(self, n: int, box: int, uid: int) -> None:
        target = self.boxes[1 - self.boxes.index(MailboxId(box))]
        self.say(**{"try": "move", "n": n})
        done = await self.mail.account.commit([Move(MailboxId(box), ((uid, uid),), target)])
        placed = done.results[0].placed[0]
        self.say(ok="move", n=n, box=target, uid=placed.uid, id=placed.email_id.hex(), modseq=done.modseq)
        self.idle.append((n, target, placed.uid))


if __name__ == "__main__":
    Child(Embedded(Path(sys.argv[1]), Loop()), int(sys.argv[2])).run()
