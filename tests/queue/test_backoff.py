"""How long until the next attempt."""

from mailserverd.queue.backoff import MAX_REST_SECONDS, Rests, greylisted_wait, retry_wait

SCHEDULE = (300, 600, 1200, 3600)


def none() -> float:
    return 0.0


def test_the_schedule_and_its_last_wait_repeating() -> None:
    assert [retry_wait(SCHEDULE, n, none) for n in range(7)] == [300, 300, 600, 1200, 3600, 3600, 3600]


def test_jitter_only_adds() -> None:
    assert [retry_wait((100,), 1, iter([part]).__next__) for part in (0.0, 0.5, 1.0)] == [100, 105, 110]
    assert retry_wait((1,), 1, none) == 1


def test_a_greylist_is_asked_again_sooner_and_not_for_ever() -> None:
    assert [greylisted_wait(SCHEDULE, n, none) for n in range(1, 6)] == [60, 120, 240, 3600, 3600]
    assert greylisted_wait((5,), 1, none) == 5


def test_rests_grow_stay_below_the_schedule_and_end_with_success() -> None:
    rests: Rests[str, str] = Rests()
    waits = [rests.failed("a", "no answer", 1000.0, SCHEDULE) - 1000 for _ in range(12)]
    assert waits[:5] == [30, 60, 120, 240, 480]
    assert waits[-1] == MAX_REST_SECONDS
    found = rests.of("a", 1000.0 + MAX_REST_SECONDS - 1)
    assert found is not None
    assert found.why == "no answer"
    assert rests.of("a", 1000.0 + MAX_REST_SECONDS) is None
    assert rests.resting(1001.0) == {"a": 1000.0 + MAX_REST_SECONDS}
    rests.succeeded("a")
    assert rests.of("a", 1001.0) is None
    assert rests.failed("a", "", 1000.0, (10,)) == 1008.0


def test_what_rests_is_bounded() -> None:
    rests: Rests[int, str] = Rests()
    for number in range(10_500):
        rests.failed(number, "", 0.0, SCHEDULE)
    assert len(rests.resting(1.0)) == 10_000
    rests.forget()
    assert rests.resting(1.0) == {}
