"""A full disk: TryAgain, nothing acknowledged is lost, and with room made the store goes on without a restart."""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.backends.lmdb.embedded import Embedded
from tests.contracts.loop import Loop
from tests.scenarios.crash.child import Child
from tests.scenarios.crash.ledger import Ledger
from tests.scenarios.crash.test_kill import examine
from tests.scenarios.small_disk import mounted

MAX_ROUNDS = 3_000


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[], None]]:
    """Gives what makes room."""
    with mounted(folder, 6) as make_room:
        yield make_room


@contextmanager
def small_files(folder: Path) -> Iterator[Callable[[], None]]:
    """No file may grow above a few MiB; gives what allows it again."""
    folder.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, hard))
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("limit", [small_disk, small_files])
def test_nothing_acknowledged_is_lost(
    tmp_path: Path, limit: Callable[[Path], AbstractContextManager[Callable[[], None]]]
) -> None:
    folder, ledger = tmp_path / "disk", Ledger()
    with limit(folder) as make_room:
        store = Embedded(folder, Loop())
        child = Child(store, 1, lambda **line: ledger.read(line))
        for _ in range(MAX_ROUNDS):
            child.round()
            if child.refused > 50:
                break
        assert child.refused > 50, "the disk never became full"
        acknowledged, refused = ledger.acknowledged, child.refused
        assert acknowledged > 50
        make_room()
        for _ in range(10):
            child.round()
        assert child.refused == refused, "with room made nothing is refused any more"
        assert ledger.acknowledged >= acknowledged + 80
        store.close()
        examine(folder, ledger)
