"""How much of the database's file counts as this process's memory: what was read is let go of again.

Standing rules: it is the system's cache and stays there, so that it is read again without the disk; only Linux can be
told so, elsewhere nothing is done; it is asked for every few seconds, in a file thread, and done only above a bound.
"""

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path
from resource import getpagesize

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from mailserverd.backends.lmdb.off_reactor import OffReactor

EVERY_SECONDS = 5.0
BOUND_OCTETS = 64 * 1024 * 1024
_DONT_NEED = 4  # MADV_DONTNEED; of a shared mapping of a file it takes nothing but the place in memory

_log = Logger()


class Resident:
    """file: the database. release: lets go of a part of the address space."""

    def __init__(
        self,
        file: Path,
        threads: OffReactor,
        clock: IReactorTime,
        bound_octets: int = BOUND_OCTETS,
        release: Callable[[int, int], None] | None = None,
    ) -> None:
        self._file = file
        self._threads = threads
        self._bound_octets = bound_octets
        self._release = release or _released
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._looked()))
        self._loop.clock = clock

    def start(self) -> None:
        self._loop.start(EVERY_SECONDS, now=False)

    def stop(self) -> None:
        if self._loop.running:
            self._loop.stop()

    async def _looked(self) -> None:
        try:
            await self._threads.run(self.look)
        except Exception:
            _log.failure("what is read of the database is not let go of")
            self.stop()

    def look(self) -> None:
        """In a thread."""
        if shared_octets() > self._bound_octets:
            for start, octets in mappings_of(self._file):
                self._release(start, octets)


def shared_octets() -> int:
    """How much of files this process has in its memory; 0 where nobody says."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[2]) * getpagesize()
    except OSError:
        return 0


def mappings_of(file: Path) -> Iterator[tuple[int, int]]:
    """Where in our memory the file is: start and octets."""
    name = str(file.resolve())
    for line in Path("/proc/self/maps").read_text().splitlines():
        parts = line.split(maxsplit=5)
        if len(parts) == 6 and parts[5] == name:
            start, _, stop = parts[0].partition("-")
            yield int(start, 16), int(stop, 16) - int(start, 16)


def _released(start: int, octets: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(octets), ctypes.c_int(_DONT_NEED))
