"""What a process holds: anonymous memory, which is what a client can make grow (mapped file pages don't count)."""

import re
from pathlib import Path


def rss_anon(pid: int) -> int:
    """In octets."""
    return _status(pid, "RssAnon") + _status(pid, "RssShmem")


def _status(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def open_files(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
