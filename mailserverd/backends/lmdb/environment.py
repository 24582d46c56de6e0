"""The LMDB environment: opened once, read from any thread in short steps, written by the writer thread alone.

Standing rules: default flags (every commit is synced, no writable map); a read transaction lives inside one `with`
and never across a suspension, for a pinned one grows the file for good; the map is resized and the environment
reopened only with readers shut out (`gate`, and nobody in a patient_read). The system reads ahead nothing of the file:
what belongs together is spread over it, and it would read megabytes for a page.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, RLock
from types import TracebackType
from typing import Any, Protocol

import lmdb

FORMAT_KEY = b"F"
FORMAT = b"mailserverd store 1"
MIN_MAP_BYTES = 64 * 1024 * 1024
MAX_KEY_OCTETS = 511


class UnusableStore(Exception):
    """The environment cannot be opened; the text says why and what to do."""


class OutOfMap(Exception):
    """The reserved map is full."""


class WriteFailed(Exception):
    """The disk refused: full, failing, or gone. Nothing of the transaction is stored."""


class Cursor(Protocol):
    def set_range(self, key: bytes) -> bool: ...
    def next(self) -> bool: ...
    def prev(self) -> bool: ...
    def last(self) -> bool: ...
    def key(self) -> Any: ...
    def value(self) -> Any: ...
    def item(self) -> tuple[Any, Any]: ...
    def iternext(self, keys: bool = True, values: bool = True) -> Iterator[Any]: ...
    def putmulti(self, items: Sequence[tuple[bytes, bytes]]) -> tuple[int, int]: ...
    def close(self) -> None: ...


class Transaction(Protocol):
    """What of lmdb.Transaction is used here. A reading one gives bytes, or memoryviews when opened with buffers."""

    def get(self, key: bytes) -> Any: ...
    def put(self, key: bytes, value: bytes) -> bool: ...
    def id(self) -> int: ...
    def delete(self, key: bytes) -> bool: ...
    def cursor(self) -> Cursor: ...
    def commit(self) -> None: ...
    def abort(self) -> None: ...


class Reading:
    """One read transaction, for a `with`."""

    __slots__ = ("_buffers", "_environment", "_transaction")

    def __init__(self, environment: "Environment", buffers: bool) -> None:
        self._environment = environment
        self._buffers = buffers

    def __enter__(self) -> Transaction:
        self._environment.gate.acquire()
        try:
            transaction: Transaction = self._environment.lmdb.begin(buffers=self._buffers)
        except BaseException:
            self._environment.gate.release()
            raise
        self._transaction = transaction
        return transaction

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transaction.abort()
        self._environment.gate.release()


class Environment:
    """path: the directory of the database (made when absent). map_size_bytes: reserved, sparse, grown when full.

    Raises UnusableStore.
    """

    def __init__(self, path: Path, map_size_bytes: int, max_readers: int = 64) -> None:
        self.path = path
        self.gate = RLock()
        self._patient = 0
        self._patient_left = Condition()
        self._max_readers = max_readers
        self.map_size_bytes = max(map_size_bytes, MIN_MAP_BYTES, _stored_octets(path) * 2)
        self.lmdb: Any = self._opened()
        self._check_format()

    def _opened(self) -> Any:
        """Where the machine grants less address space than asked for, ask for half until it does."""
        while True:
            try:
                return lmdb.open(
                    str(self.path),
                    map_size=self.map_size_bytes,
                    max_readers=self._max_readers,
                    mode=0o600,
                    max_dbs=0,
                    readahead=False,
                )
            except (MemoryError, lmdb.MemoryError) as error:
                if self.map_size_bytes // 2 < max(MIN_MAP_BYTES, _stored_octets(self.path)):
                    raise UnusableStore(f"{self.path}: no address space for the database: {error}") from error
                self.map_size_bytes //= 2
            except (lmdb.Error, OSError) as error:
                raise UnusableStore(f"{self.path}: cannot open the database: {error}") from error

    def _check_format(self) -> None:
        stored = self.get(FORMAT_KEY)
        if stored is None:
            if self.scan(b"", 1):
                raise UnusableStore(f"{self.path} holds a database that is not a mailserverd store")
            transaction = self.begin_write()
            transaction.put(FORMAT_KEY, FORMAT)
            self.commit(transaction)
        elif stored != FORMAT:
            raise UnusableStore(
                f"{self.path} has the format {stored.decode('ascii', 'replace')!r}, this version reads"
                f" {FORMAT.decode()!r}: run the version that wrote it"
            )

    # Reading

    def read(self, buffers: bool = False) -> Reading:
        """`with environment.read() as transaction:`; never across an await or a yield."""
        return Reading(self, buffers)

    @contextmanager
    def snapshot(self) -> Iterator[tuple[Transaction, Transaction]]:
        """Two transactions of one moment: one gives octets, the other views of them, for what is large."""
        while True:
            with self.read() as octets, self.read(buffers=True) as views:
                if octets.id() == views.id():  # else a commit came between them
                    yield octets, views
                    return

    @contextmanager
    def patient_read(self) -> Iterator[Transaction]:
        """For a thread that waits for the disk: it holds up no other reader, only `grow`, `reopen` and `close`."""
        with self.gate:
            transaction: Transaction = self.lmdb.begin()
            with self._patient_left:
                self._patient += 1
        try:
            yield transaction
        finally:
            transaction.abort()
            with self._patient_left:
                self._patient -= 1
                self._patient_left.notify_all()

    def _await_patient(self) -> None:
        """With the gate held, so that no more of them begin."""
        with self._patient_left:
            self._patient_left.wait_for(lambda: not self._patient)

    def get(self, key: bytes) -> bytes | None:
        with self.read() as transaction:
            value: bytes | None = transaction.get(key)
            return value

    def scan(self, prefix: bytes, limit: int = 1_000_000, after: bytes = b"") -> list[tuple[bytes, bytes]]:
        """At most `limit` records whose keys begin with prefix, by key; `after`: only keys above it."""
        with self.read() as transaction:
            return scanned(transaction, prefix, limit, after)

    # Writing: the writer thread alone

    def begin_write(self) -> Transaction:
        try:
            transaction: Transaction = self.lmdb.begin(write=True)
        except lmdb.Error as error:
            raise WriteFailed(str(error)) from error
        return transaction

    def commit(self, transaction: Transaction) -> None:
        """Raises OutOfMap, WriteFailed; the transaction is over either way."""
        try:
            transaction.commit()
        except lmdb.MapFullError as error:
            raise OutOfMap(str(error)) from error
        except (lmdb.Error, MemoryError) as error:
            raise WriteFailed(str(error)) from error

    def grow(self) -> None:
        """Double the map. No write transaction may be open. Raises WriteFailed where there is no address space."""
        with self.gate:
            self._await_patient()
            try:
                self.lmdb.set_mapsize(self.map_size_bytes * 2)
            except (lmdb.Error, MemoryError) as error:
                raise WriteFailed(f"the database map cannot grow: {error}") from error
            self.map_size_bytes *= 2

    def reopen(self) -> None:
        """After a failed commit, for LMDB refuses everything once a meta page failed. Raises UnusableStore."""
        with self.gate:
            self._await_patient()
            self.lmdb.close()
            self.lmdb = self._opened()

    def close(self) -> None:
        with self.gate:
            self._await_patient()
            self.lmdb.close()


def scanned(transaction: Transaction, prefix: bytes, limit: int, after: bytes = b"") -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    cursor = transaction.cursor()
    more = cursor.set_range(max(prefix, after))
    while more and len(found) < limit:
        key, value = cursor.item()
        if not key.startswith(prefix):
            break
        if key > after:
            found.append((key, value))
        more = cursor.next()
    cursor.close()
    return found


def put_all(transaction: Transaction, puts: list[tuple[bytes, bytes]], deletes: list[bytes]) -> None:
    """Raises OutOfMap, WriteFailed; the transaction must be aborted then."""
    try:
        for key in deletes:
            transaction.delete(key)
        if len(puts) > 1:
            cursor = transaction.cursor()
            cursor.putmulti(puts)
            cursor.close()
        elif puts:
            transaction.put(*puts[0])
    except lmdb.MapFullError as error:
        raise OutOfMap(str(error)) from error
    except (lmdb.Error, MemoryError) as error:
        raise WriteFailed(str(error)) from error


def _stored_octets(path: Path) -> int:
    try:
        return (path / "data.mdb").stat().st_size
    except OSError:
        return 0
