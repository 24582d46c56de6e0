"""Sessions that change one mailbox at random, all at once: each hears of everything, and at rest all see the same."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.scenarios.server import MailServer
from tests.scenarios.session_view import SessionView

PASSWORD = "secret"
SESSIONS = 8
FLAGS = [rb"\Seen", rb"\Answered", rb"\Flagged", rb"\Draft", rb"\Deleted", b"$Junk", b"todo"]


def message(source: random.Random) -> bytes:
    body = b"".join(b"%040x\r\n" % source.getrandbits(160) for _ in range(source.randrange(40)))
    return b"From: a@example.org\r\nSubject: number %d\r\n\r\n%b" % (source.randrange(1000), body)


class Walker:
    """One client: a view and what it does next."""

    def __init__(self, view: SessionView, seed: int) -> None:
        self.view = view
        self.source = random.Random(seed)

    async def steps(self, count: int) -> None:
        acts: list[Callable[[], Awaitable[None]]] = [
            self.append, self.append, self.store, self.store, self.store_by_uid, self.fetch, self.fetch_by_uid,
            self.search, self.copy, self.move, self.expunge, self.uid_expunge, self.noop, self.idle, self.reselect,
        ]  # fmt: skip
        for _ in range(count):
            await self.source.choice(acts)()

    def numbers(self) -> bytes | None:
        count = len(self.view.places)
        if not count:
            return None
        first = self.source.randint(1, count)
        return b"%d:%d" % (first, min(count, first + self.source.randrange(4)))

    def uids(self) -> bytes | None:
        known = [place.uid for place in self.view.places if place.uid is not None]
        return b",".join(b"%d" % uid for uid in self.source.sample(known, min(len(known), 3))) or None

    def flags(self) -> bytes:
        return b"(%b)" % b" ".join(self.source.sample(FLAGS, self.source.randrange(1, 4)))

    async def obeyed(self, command: bytes, chosen: bytes | None, rest: bytes = b"") -> None:
        """NO is right only where another session has expunged a message meanwhile (RFC 2180 §4)."""
        if chosen is not None:
            said = await self.view.ask(b" ".join(filter(None, (command, chosen, rest))))
            assert said.startswith((b"OK", b"NO [EXPUNGEISSUED]")), (command, said)

    async def append(self) -> None:
        said = await self.view.ask(b"APPEND INBOX " + self.flags(), message(self.source))
        assert said.startswith(b"OK [APPENDUID "), said

    async def store(self) -> None:
        sign = self.source.choice([b"+", b"-", b""])
        silent = self.source.choice([b"", b".SILENT"])
        if silent:  # what it changes silently it has to know by itself: heard again below
            await self.obeyed(b"STORE", chosen := self.numbers(), sign + b"FLAGS.SILENT " + self.flags())
            await self.obeyed(b"FETCH", chosen and self.numbers(), b"FLAGS")
            await self.obeyed(b"FETCH", chosen and b"1:*", b"(UID FLAGS)")
        else:
            await self.obeyed(b"STORE", self.numbers(), sign + b"FLAGS " + self.flags())

    async def store_by_uid(self) -> None:
        await self.obeyed(b"UID STORE", self.uids(), self.source.choice([b"+", b"-"]) + b"FLAGS " + self.flags())

    async def fetch(self) -> None:
        await self.obeyed(b"FETCH", self.numbers(), b"(UID FLAGS BODY.PEEK[] MODSEQ)")

    async def fetch_by_uid(self) -> None:
        await self.obeyed(
            b"UID FETCH", b"1:*", self.source.choice([b"(FLAGS MODSEQ)", b"(UID ENVELOPE)", b"(BODY[TEXT])"])
        )

    async def search(self) -> None:
        assert (await self.view.ask(b"SEARCH OR SEEN SUBJECT number")).startswith(b"OK")
        assert all(1 <= number <= len(self.view.places) for number in self.view.found)

    async def copy(self) -> None:
        await self.obeyed(b"UID COPY", self.uids(), self.source.choice([b"INBOX", b"Archive"]))

    async def move(self) -> None:
        await self.obeyed(self.source.choice([b"MOVE", b"UID MOVE"]), self.one(), b"Archive")

    def one(self) -> bytes | None:
        return b"1" if self.view.places else None

    async def expunge(self) -> None:
        assert (await self.view.ask(b"EXPUNGE")).startswith(b"OK")

    async def uid_expunge(self) -> None:
        await self.obeyed(b"UID EXPUNGE", self.uids())

    async def noop(self) -> None:
        assert (await self.view.ask(b"NOOP")).startswith(b"OK")

    async def idle(self) -> None:
        await self.view.idle(0.02)

    async def reselect(self) -> None:
        await self.view.select(b"INBOX")


async def walk(server: MailServer, seed: int, steps: int) -> None:
    opened = [SessionView.open(server.port("imap"), "anna", PASSWORD) for _ in range(SESSIONS)]
    views = await asyncio.gather(*opened)
    for view in views:
        await view.select(b"INBOX")
    await asyncio.gather(*(Walker(view, seed + each).steps(steps) for each, view in enumerate(views)))
    for view in views:  # what each was told, before it asks again
        await view.ask(b"NOOP")
    pictures = []
    for view in views:
        told = [(place.uid, place.flags) for place in view.places]
        await view.ask(b"UID FETCH 1:* (UID FLAGS)")
        for place, (uid, flags) in zip(view.places, told, strict=True):
            assert uid in (None, place.uid)
            assert flags in (None, place.flags), (uid, flags, place.flags)
        await view.ask(b"UID SEARCH ALL")
        assert view.found == [place.uid for place in view.places]
        pictures.append([(place.uid, place.flags) for place in view.places])
        view.close()
    assert all(picture == pictures[0] for picture in pictures)


@pytest.mark.parametrize("seed", [1, 2])
def test_sessions_on_one_mailbox_agree(tmp_path: Path, seed: int) -> None:
    settings = {"login": {"insecure_login_networks": ["127.0.0.0/8"]}}
    with MailServer(tmp_path, {"anna@example.org": PASSWORD}, settings) as server:
        asyncio.run(walk(server, seed * 1000, 120))
        report = json.loads(server.cli("--json", "store", "check").stdout)
    assert report["clean"], report
    assert not [line for line in server.output if " error " in line]
