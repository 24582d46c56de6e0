"""The early journal: flag changes that were acknowledged before their commit, so that a killed process loses none.

Standing rules: a record is in the file (not synced: this guards against the end of the process, not of the machine)
before its change is acknowledged; the file is emptied after the commit that holds them all; a torn tail is ignored.
"""

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

_HEAD = struct.Struct(">II")  # length, CRC-32


class EarlyJournal:
    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._empty = os.fstat(self._descriptor).st_size == 0

    def append(self, records: Sequence[bytes]) -> None:
        """Raises OSError."""
        data = b"".join([part for record in records for part in (_HEAD.pack(len(record), zlib.crc32(record)), record)])
        self._empty = False
        if os.write(self._descriptor, data) != len(data):
            raise OSError("short write to the early journal")

    def records(self) -> list[bytes]:
        """What was left behind, oldest first."""
        data = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        found, at = [], 0
        while at + _HEAD.size <= len(data):
            length, checksum = _HEAD.unpack_from(data, at)
            record = data[at + _HEAD.size : at + _HEAD.size + length]
            if len(record) != length or zlib.crc32(record) != checksum:
                break
            found.append(record)
            at += _HEAD.size + length
        return found

    def clear(self) -> None:
        if not self._empty:
            os.ftruncate(self._descriptor, 0)
            self._empty = True

    def close(self) -> None:
        os.close(self._descriptor)
