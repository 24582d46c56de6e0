"""backends/lmdb/read_ahead.py: every state page of a large mailbox is read before the reactor thread asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from mailserverd.backends.lmdb.environment import Environment, Transaction
from mailserverd.backends.lmdb.read_ahead import READ_AHEAD_MESSAGES, read_ahead
from mailserverd.interfaces.mail_store import Add, Expunge
from mailserverd.model.identifiers import Uid
from tests.backends.lmdb.embedded import Embedded
from tests.contracts.loop import Loop
from tests.contracts.mail import Mail, message_of, octets_of

MESSAGES = READ_AHEAD_MESSAGES + 500


class Watched:
    """A transaction, and its own cursor; seen: the keys of the records that it went to."""

    def __init__(self, transaction: Transaction, seen: set[bytes]) -> None:
        self._transaction, self._seen = transaction, seen

    def cursor(self) -> "Watched":
        self._cursor = self._transaction.cursor()
        self.key, self.close = self._cursor.key, self._cursor.close
        return self

    def set_range(self, key: bytes) -> bool:
        return self._noted(self._cursor.set_range(key))

    def next(self) -> bool:
        return self._noted(self._cursor.next())

    def _noted(self, found: bool) -> bool:
        if found:
            self._seen.add(self.key())
        return found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Embedded]:
    made = Embedded(tmp_path, Loop())
    yield made
    made.close()


@pytest.fixture
def mail(store: Embedded) -> Mail:
    mail = Mail(store.loop, store.mail_store)
    for first in range(1, MESSAGES, 500):
        mail.commit(*[Add(mail.inbox, message_of(octets_of(n)), (), 0) for n in range(first, first + 500)])
    return mail


def watch(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> set[bytes]:
    seen: set[bytes] = set()
    patient_read = environment.patient_read

    @contextmanager
    def watched() -> Iterator[Any]:
        with patient_read() as transaction:
            yield Watched(transaction, seen)

    monkeypatch.setattr(environment, "patient_read", watched)
    return seen


def test_all_pages_are_read(store: Embedded, mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    mail.commit(Expunge(mail.inbox, ((Uid(100), Uid(900)),), False))
    seen = watch(store.environment, monkeypatch)
    read_ahead(store.environment, mail.account.prefix, mail.row())  # type: ignore[attr-defined]
    kind = mail.account.prefix + b"s" + mail.inbox.to_bytes(4)  # type: ignore[attr-defined]
    pages = {key for key, _ in store.environment.scan(kind)}
    assert len(pages) > 5
    assert pages <= seen


def test_a_large_mailbox_is_read_ahead_and_loaded_as_it_is_then(
    store: Embedded, mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit may come while the threads are at it."""
    seen = watch(store.environment, monkeypatch)
    run, added = store.threads.run, []

    async def slow(work: Any) -> None:
        await run(work)
        added.append(
            (await mail.account.commit([Add(mail.inbox, message_of(octets_of(0)), (), 0)])).results[0].placed[0].uid
        )

    monkeypatch.setattr(store.threads, "run", slow)
    assert mail.uids() == [*range(1, MESSAGES + 1), MESSAGES + 1]
    assert added == [MESSAGES + 1]
    assert seen
    assert mail.uids()[-1] == MESSAGES + 1
    assert len(added) == 1, "what is in memory is not read again"


def test_a_small_mailbox_is_loaded_at_once(store: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(store.environment, monkeypatch)
    mail = Mail(store.loop, store.mail_store)
    mail.add(1)
    assert mail.uids() == [1]
    assert not seen


def test_who_waits_for_the_disk_holds_up_no_reader_but_the_growing_of_the_map(store: Embedded) -> None:
    environment, grown = store.environment, []
    before = environment.map_size_bytes

    def grow() -> None:
        environment.grow()
        grown.append(environment.map_size_bytes)

    thread = Thread(target=grow)
    with environment.patient_read() as transaction:
        reader = Thread(target=environment.get, args=(b"F",))
        reader.start()
        reader.join(10)
        assert not reader.is_alive()
        thread.start()
        thread.join(0.05)
        assert not grown
        assert transaction.get(b"F") is not None
    thread.join(10)
    assert grown == [2 * before]
