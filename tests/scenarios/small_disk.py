"""A disk of a few MiB, for tests of a full one."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, mebibytes: int) -> Iterator[Callable[[], None]]:
    """A tmpfs on `folder`, which is made; gives what makes room on it. Skips where nobody may mount one."""
    if not shutil.which("mount"):
        pytest.skip("NOT TESTED: there is no mount on this machine, so no disk was full")
    folder.mkdir(parents=True)
    wish = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "none", folder]
    done = subprocess.run(wish, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"NOT TESTED: cannot mount a small disk here: {done.stderr.strip()}")
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True) and None
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
