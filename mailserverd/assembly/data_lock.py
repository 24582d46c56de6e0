"""Who owns a data directory: whoever holds the lock on DATA/lock.

Standing rules: the lock is the kernel's (flock), so it ends with its process whatever ended that; the number in
the file is for people only. A daemon takes it before it forks, and the child keeps it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class DataInUse(Exception):
    """Another process owns the data directory; the text names it."""


class DataLock:
    """Held from construction until `release` or the end of the process. Raises DataInUse, OSError."""

    def __init__(self, data_directory: Path) -> None:
        self._descriptor = os.open(data_directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise DataInUse(f"is in use by process {owner}; stop that one first") from None
        self.sign()

    def sign(self) -> None:
        """Write down this process's number: again after a fork."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def in_use(data_directory: Path) -> bool:
    """Whether a process owns the directory now."""
    try:
        DataLock(data_directory).release()
    except DataInUse:
        return True
    except OSError:
        return False
    return False
