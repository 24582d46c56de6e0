"""What is remembered is bounded, in time and in weight."""

from mailserverd.backends.dns.answer import Answer
from mailserverd.backends.dns.cache import Cache, weight_of


def answer(*records: str | bytes, ttl: int = 10) -> Answer:
    return Answer(records, "a.example", True, False, ttl)


def test_it_ends_with_its_time() -> None:
    cache = Cache(10)
    cache.put(("a", 1), answer("192.0.2.1"), 100.0)
    assert cache.get(("a", 1), 109.9) is not None
    assert cache.get(("a", 1), 110.0) is None
    assert len(cache) == 0


def test_what_holds_no_time_is_not_kept_and_removes_what_was() -> None:
    cache = Cache(10)
    cache.put(("a", 1), answer("192.0.2.1"), 0.0)
    cache.put(("a", 1), answer("192.0.2.1", ttl=0), 0.0)
    assert cache.get(("a", 1), 0.0) is None


def test_the_least_asked_for_goes_first() -> None:
    cache = Cache(3)
    for name in "abc":
        cache.put((name, 1), answer("192.0.2.1"), 0.0)
    cache.get(("a", 1), 1.0)
    cache.put(("d", 1), answer("192.0.2.1"), 1.0)
    assert cache.get(("b", 1), 1.0) is None
    assert cache.get(("a", 1), 1.0) is not None


def test_a_large_answer_counts_for_many_and_one_too_large_is_not_kept() -> None:
    cache, large = Cache(100), answer(b"x" * 20000)
    assert weight_of(large) > 30
    for number in range(50):
        cache.put((str(number), 1), large, 0.0)
    assert 0 < len(cache) <= 3
    cache.put(("huge", 1), answer(b"x" * 65000), 0.0)
    assert len(cache) == 0


def test_a_smaller_bound_holds_at_once() -> None:
    cache = Cache(100)
    for number in range(50):
        cache.put((str(number), 1), answer("192.0.2.1"), 0.0)
    cache.resize(10)
    assert len(cache) == 10
    cache.clear()
    assert len(cache) == 0
