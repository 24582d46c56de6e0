"""delivery/spool.py"""

import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from mailserverd.delivery.spool import SMALL_OCTETS, Spool, Spooled


def test_a_small_message_stays_in_memory_and_is_given_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1_000_000)
    spooled = spool.open()
    spooled.append(b"ab")
    spooled.append(b"c")
    assert (spooled.octets(), spooled.size, spooled.in_file, spool.memory_bytes) == (b"abc", 3, False, 3)
    spooled.close()
    spooled.close()
    assert spool.memory_bytes == 0


def test_a_large_one_goes_to_a_file_that_has_no_name(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100_000_000)
    spooled = spool.open()
    block = os.urandom(65_536)
    for _ in range(10):
        spooled.append(block)
        assert spool.memory_bytes <= SMALL_OCTETS + len(block)
    assert spooled.in_file
    assert spool.memory_bytes == 0
    assert list(tmp_path.iterdir()) == []
    assert spooled.octets() == block * 10
    assert spooled.octets() == block * 10
    spooled.close()


def test_all_sessions_share_one_bound(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1000)
    messages = [spool.open() for _ in range(50)]
    for each in messages:
        each.append(b"x" * 100)
        assert spool.memory_bytes <= 1000
    assert sum(each.in_file for each in messages) == 40
    assert all(each.octets() == b"x" * 100 for each in messages)
    for each in messages:
        each.close()
    assert spool.memory_bytes == 0


def test_two_messages_in_files_are_in_memory_as_a_whole_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10)
    uploads = [spool.open() for _ in range(4)]
    inside: list[Spooled] = []
    for each in uploads:
        each.append(b"x" * 20)
        each.gate.acquire().addCallback(lambda _, each=each: inside.append(each))
    assert inside == uploads[:2]
    inside[0].gate.release()
    assert inside == uploads[:3]
    for each in uploads:
        each.close()


def test_a_file_is_read_elsewhere(tmp_path: Path) -> None:
    asked: list[Spooled] = []

    async def in_thread(function: Callable[[Spooled], bytes], spooled: Spooled) -> bytes:
        asked.append(spooled)
        return function(spooled)

    spool = Spool(tmp_path, 10, in_thread)
    small, large = spool.open(), spool.open()
    small.append(b"small")
    large.append(b"y" * 20)
    assert success_result_of(small.whole()) == b"small"
    assert asked == []
    assert success_result_of(large.whole()) == b"y" * 20
    assert asked == [large]
    small.close()
    large.close()


def success_result_of(waiting: Coroutine[Any, Any, bytes]) -> bytes:
    results: list[bytes] = []
    Deferred.fromCoroutine(waiting).addCallback(results.append)
    return results[0]


def test_a_missing_folder_is_told_at_the_end_only(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "gone", 10)
    spooled = spool.open()
    spooled.append(b"x" * 20)
    spooled.append(b"x" * 20)
    assert spooled.size == 40
    assert spool.memory_bytes == 0
    with pytest.raises(OSError, match="No such file"):
        spooled.octets()
    spooled.close()


def test_a_full_disk_is_told_at_the_end_only(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10)
    spooled = spool.open()
    spooled.append(b"x" * 20)
    assert spooled._file is not None
    spooled._file.close()
    spooled._file = open("/dev/full", "wb", buffering=0)  # type: ignore[assignment] # noqa: SIM115
    spooled.append(b"y")
    spooled.append(b"z")
    with pytest.raises(OSError, match="No space"):
        spooled.octets()
    spooled.close()


def test_a_block_that_the_disk_took_half_of_is_found_out(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10)
    spooled = spool.open()
    spooled.append(b"x" * 20)
    spooled.size += 1
    with pytest.raises(OSError, match="shorter"):
        spooled.octets()
    spooled.close()
