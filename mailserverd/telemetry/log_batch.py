"""Log lines on their way to a sink, several in one write.

Standing rules: every line is written at once until `begin` and after `end`; in between a line waits for the next
`flush` (ten times a second), for a full batch, or for a line that matters, whichever comes first. A write for each
line costs a sixth of the time of a message.
"""

from threading import RLock
from typing import Protocol

MAX_WAITING_LINES = 256


class LineSink(Protocol):
    """Where finished lines go."""

    def write(self, text: str) -> None: ...
    def reopen(self) -> None: ...
    def close(self) -> None: ...


class LogBatch:
    """Called by any thread, and by signal handlers in the midst of a call: hence a lock that one may hold twice."""

    def __init__(self, sink: LineSink) -> None:
        self._sink = sink
        self._lines: list[str] = []
        self._lock = RLock()
        self._most = 1

    def begin(self) -> None:
        self._most = MAX_WAITING_LINES

    def end(self) -> None:
        self._most = 1
        self.flush()

    def write(self, line: str, matters: bool) -> None:
        """matters: not to be lost, whatever happens next."""
        with self._lock:
            self._lines.append(line)
            if matters or len(self._lines) >= self._most:
                self._write()

    def flush(self) -> None:
        with self._lock:
            self._write()

    def reopen(self) -> None:
        """For a rotation from outside."""
        with self._lock:
            self._write()
            self._sink.reopen()

    def close(self) -> None:
        with self._lock:
            self._write()
            self._sink.close()

    def _write(self) -> None:
        lines = self._lines[:]
        if lines:
            del self._lines[: len(lines)]
            self._sink.write("".join(lines))
