from twisted.internet.task import Clock

from mailserverd.accounts.remembered_passwords import RememberedPasswords


def remembered(**settings):
    clock = Clock()
    return clock, RememberedPasswords(clock.seconds, **settings)


def test_remembers_for_a_while():
    clock, table = remembered(keep_seconds=300)
    table.remember(1, 1, "pw", "phone")
    clock.advance(299)
    assert table.recall(1, 1, "pw") == "phone"
    clock.advance(1)
    assert table.recall(1, 1, "pw") is None


def test_a_new_generation_ends_it_at_once():
    _, table = remembered()
    table.remember(1, 1, "pw", "")
    assert table.recall(1, 2, "pw") is None


def test_no_other_account_and_no_other_password():
    _, table = remembered()
    table.remember(1, 1, "pw", "")
    assert table.recall(2, 1, "pw") is None
    assert table.recall(1, 1, "pw2") is None
    table.remember(1, 11, "pw", "")
    assert table.recall(11, 1, "pw") is None


def test_neither_passwords_nor_names_are_kept():
    _, table = remembered()
    table.remember(1, 1, "a-password-to-find", "")
    assert "a-password-to-find" not in repr(table._entries)
    _, other = remembered()
    other.remember(1, 1, "a-password-to-find", "")
    assert set(table._entries) != set(other._entries)  # every process has a key of its own


def test_bounded_and_the_oldest_goes_first():
    _, table = remembered(capacity=3)
    for n in range(5):
        table.remember(n, 1, "pw", "")
    assert len(table) == 3
    assert table.recall(1, 1, "pw") is None
    assert table.recall(4, 1, "pw") == ""


def test_what_has_ended_is_dropped():
    clock, table = remembered(keep_seconds=10)
    for n in range(5):
        table.remember(n, 1, "pw", "")
    clock.advance(11)
    table.remember(9, 1, "pw", "")
    assert len(table) == 1


def test_zero_seconds_remember_nothing():
    _, table = remembered(keep_seconds=0)
    table.remember(1, 1, "pw", "")
    assert len(table) == 0


def test_turned_off_while_it_runs():
    _, table = remembered()
    table.remember(1, 1, "pw", "")
    table.keep_seconds = 0
    assert table.recall(1, 1, "pw") is None
