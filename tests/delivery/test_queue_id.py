"""delivery/queue_id.py"""

from mailserverd.delivery.queue_id import QueueIds, delivery_key


def test_names_differ_and_sort_by_time() -> None:
    now = [1000.0]
    ids = QueueIds(lambda: now[0], lambda count: b"\7" * count)
    first, second = ids.next(), ids.next()
    now[0] += 0.001
    third = ids.next()
    assert len({first, second, third}) == 3
    assert third > first
    assert third > second


def test_two_runs_at_one_instant_differ() -> None:
    one = QueueIds(lambda: 1.0, lambda count: b"\1" * count)
    two = QueueIds(lambda: 1.0, lambda count: b"\2" * count)
    assert one.next() != two.next()


def test_a_key_fits_the_store() -> None:
    ids = QueueIds(lambda: 4e9, lambda count: b"\xff" * count)
    for _ in range(100_000):
        last = ids.next()
    assert len(delivery_key(last, 2**63)) + len(b"/b/") + 16 <= 64
