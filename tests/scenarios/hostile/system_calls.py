"""What strace wrote, as calls in order: who called, when it began and ended, its arguments.

Standing rule: a call that another thread's output cut in two ("<unfinished ...>", "resumed") is one call here, with
the place of its beginning and of its end.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STRACE = shutil.which("strace")
_LINE = re.compile(r"^(\d+) +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)$", re.DOTALL)
_RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$", re.DOTALL)
_UNFINISHED = " <unfinished ...>"


@dataclass(frozen=True, slots=True)
class Call:
    """begin, end: line numbers of the trace. text: the arguments and the result as strace writes them."""

    thread: int
    name: str
    text: str
    begin: int
    end: int


def command(trace: Path, calls: str) -> tuple[str, ...]:
    """What runs a server under strace; calls: as for strace's -e trace=."""
    assert STRACE is not None
    return (STRACE, "-f", "-y", "-qq", "-s", "16384", "-e", f"trace={calls}", "-e", "signal=none", "-o", str(trace))


def calls_of(trace: Path) -> Iterator[Call]:
    """All finished calls, in the order of their ends."""
    begun: dict[tuple[int, str], tuple[str, int]] = {}
    with trace.open(errors="replace") as lines:
        for number, line in enumerate(lines):
            found = _LINE.match(line.rstrip("\n"))
            if found is None:
                continue
            thread, rest = int(found[1]), found[2]
            if resumed := _RESUMED.match(rest):
                start, begin = begun.pop((thread, resumed[1]), ("", number))
                yield Call(thread, resumed[1], start + resumed[2], begin, number)
            elif call := _CALL.match(rest):
                if call[2].endswith(_UNFINISHED):
                    begun[thread, call[1]] = call[2][: -len(_UNFINISHED)], number
                else:
                    yield Call(thread, call[1], call[2], number, number)
