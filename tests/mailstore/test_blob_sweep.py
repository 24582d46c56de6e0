"""When blobs are swept, and that a failing sweep harms nothing."""

from collections.abc import Callable

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from mailserverd.mailstore.blob_sweep import BlobSweep, next_sweep_after
from mailserverd.model.errors import TryAgain
from mailserverd.model.identifiers import BlobId
from tests.contracts.loop import Loop

HELD, LOOSE = BlobId(b"h" * 32), BlobId(b"l" * 32)


class RecordedBlobs:
    """Only what a sweep asks of a BlobStore."""

    def __init__(self) -> None:
        self.began = 0
        self.swept: list[list[BlobId]] = []
        self.fails = 0
        self.held_up: Deferred[None] | None = None

    async def begin_sweep(self) -> int:
        self.began += 1
        return self.began

    async def sweep(self, keep: Callable[[BlobId], bool]) -> int:
        if self.held_up is not None:
            await self.held_up
        if self.fails:
            self.fails -= 1
            raise TryAgain("the disk is full")
        self.swept.append([blob_id for blob_id in (HELD, LOOSE) if not keep(blob_id)])
        return len(self.swept[-1])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def blobs() -> RecordedBlobs:
    return RecordedBlobs()


@pytest.fixture
def sweep(clock: Clock, blobs: RecordedBlobs) -> BlobSweep:
    async def references() -> Callable[[BlobId], bool]:
        assert blobs.began, "references are collected after the generation has begun"
        return lambda blob_id: blob_id == HELD

    return BlobSweep(blobs, references, clock, interval_seconds=10_000)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 10_000), (1, 600), (2, 1_200), (5, 9_600), (6, 10_000), (10_000, 10_000)]
)
def test_after_a_failure_sooner_and_ever_less_so(failures: int, seconds: float) -> None:
    assert next_sweep_after(failures, 10_000) == seconds


def test_it_sweeps_soon_after_the_start_and_then_once_an_interval(
    clock: Clock, blobs: RecordedBlobs, sweep: BlobSweep
) -> None:
    sweep.start()
    clock.advance(899)
    assert blobs.began == 0
    clock.advance(1)
    assert blobs.swept == [[LOOSE]]
    clock.advance(9_999)
    assert blobs.began == 1
    clock.advance(1)
    assert blobs.began == 2


def test_a_failed_sweep_is_logged_and_goes_on_in_the_same_generation(
    clock: Clock, blobs: RecordedBlobs, sweep: BlobSweep
) -> None:
    logged: list[object] = []
    globalLogPublisher.addObserver(logged.append)
    try:
        blobs.fails = 1
        sweep.start()
        clock.advance(900)
        assert (blobs.began, blobs.swept) == (1, [])
        clock.advance(600)
        assert (blobs.began, blobs.swept) == (1, [[LOOSE]])
    finally:
        globalLogPublisher.removeObserver(logged.append)
    assert any("log_failure" in event for event in logged)  # type: ignore[operator]
    clock.advance(10_000)
    assert blobs.began == 2


def test_stop_waits_for_the_sweep_under_way_and_nothing_follows(
    clock: Clock, blobs: RecordedBlobs, sweep: BlobSweep
) -> None:
    blobs.held_up = Deferred()
    sweep.start()
    clock.advance(900)
    stopped: list[object] = []
    Deferred.fromCoroutine(sweep.stop()).addCallback(stopped.append)
    assert stopped == []
    blobs.held_up.callback(None)
    assert stopped == [None]
    assert blobs.swept == [[]], "a sweep that is being stopped deletes nothing more"
    assert clock.getDelayedCalls() == []


def test_stop_before_the_first_sweep(clock: Clock, blobs: RecordedBlobs, sweep: BlobSweep) -> None:
    sweep.start()
    Loop().run(sweep.stop())
    clock.advance(100_000)
    assert blobs.began == 0


def test_one_sweep_by_hand(blobs: RecordedBlobs, sweep: BlobSweep) -> None:
    assert Loop().run(sweep.sweep_once()) == 1
    assert blobs.swept == [[LOOSE]]
