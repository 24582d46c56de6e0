from twisted.internet.task import Clock

from mailserverd.accounts import login_throttle
from mailserverd.accounts.login_throttle import LoginThrottle


def throttle(**settings):
    clock = Clock()
    return clock, LoginThrottle(clock.seconds, **settings)


def test_doubles_up_to_five_seconds():
    _, table = throttle()
    delays = [table.failed("anna", "192.0.2.1") for _ in range(10)]
    assert delays == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_other_addresses_are_not_affected():
    """Never a lock-out of the owner elsewhere."""
    _, table = throttle()
    for _ in range(10):
        table.failed("anna", "192.0.2.1")
    assert table.failed("anna", "198.51.100.7") == 0.05


def test_an_address_that_tries_many_names_is_counted_too():
    _, table = throttle()
    for n in range(10):
        last = table.failed(f"user{n}", "192.0.2.1")
    assert last == 5.0


def test_success_forgives_the_owner_but_not_the_address():
    _, table = throttle()
    for _ in range(4):
        table.failed("anna", "192.0.2.1")
    table.succeeded("anna", "192.0.2.1")
    assert ("anna\x00192.0.2.1") not in table._pairs
    assert table.failed("bob", "192.0.2.1") == 0.8


def test_forgotten_after_a_while():
    clock, table = throttle()
    for _ in range(4):
        table.failed("anna", "192.0.2.1")
    clock.advance(899)
    assert table.failed("anna", "192.0.2.1") == 0.8
    clock.advance(900)
    assert table.failed("anna", "192.0.2.1") == 0.05


def test_exempt_addresses_never_wait_and_take_no_room():
    _, table = throttle(exempt=("127.0.0.1",))
    assert [table.failed("anna", "127.0.0.1") for _ in range(3)] == [0.0] * 3
    assert not table._pairs


def test_settings_can_change():
    _, table = throttle()
    table.configure(base_seconds=1, max_seconds=3, forget_seconds=10)
    assert [table.failed("a", "192.0.2.1") for _ in range(4)] == [1, 2, 3, 3]


def test_bounded(monkeypatch):
    monkeypatch.setattr(login_throttle, "MAX_ENTRIES", 10)
    _, table = throttle()
    for n in range(50):
        table.failed("x" * 10_000 + str(n), f"192.0.2.{n}")
    assert len(table._pairs) <= 10
    assert len(table._addresses) == 10
    assert max(map(len, table._pairs)) < 600
