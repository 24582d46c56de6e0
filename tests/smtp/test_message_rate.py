"""smtp/message_rate.py"""

from mailserverd.smtp.message_rate import MessageRate


def test_so_many_a_minute_and_address() -> None:
    now = [0.0]
    rate = MessageRate(lambda: now[0])
    assert [rate.admits("a", 2) for _ in range(3)] == [True, True, False]
    assert rate.admits("b", 2)
    now[0] = 60.0
    assert rate.admits("a", 2)


def test_none_is_any_number() -> None:
    assert all(MessageRate(lambda: 0.0).admits("a", 0) for _ in range(10))
