"""One owner for a data directory."""

import subprocess
import sys
from pathlib import Path

import pytest

from mailserverd.assembly.data_lock import DataInUse, DataLock, in_use


def test_the_second_is_told_who_the_first_is(tmp_path: Path) -> None:
    lock = DataLock(tmp_path)
    number = (tmp_path / "lock").read_text().strip()
    with pytest.raises(DataInUse, match=f"is in use by process {number}; stop that one first"):
        DataLock(tmp_path)
    assert in_use(tmp_path)
    lock.release()
    lock.release()
    assert not in_use(tmp_path)


def test_the_lock_of_a_killed_process_is_gone(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, pathlib\n"
        "from mailserverd.assembly.data_lock import DataLock\n"
        "lock = DataLock(pathlib.Path(sys.argv[1]))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert ended.returncode == -9
    assert (tmp_path / "lock").read_text() != ""
    DataLock(tmp_path).release()


def test_no_directory_no_owner(tmp_path: Path) -> None:
    assert not in_use(tmp_path / "none")
