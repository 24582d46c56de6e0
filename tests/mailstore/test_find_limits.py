"""What a search may cost: so many texts, so much time; and what was searched until then is not searched again."""

import pytest

from mailserverd.mailstore import find_limits, find_verdict
from mailserverd.mailstore.find import find
from mailserverd.mailstore.find_limits import SearchLimits
from mailserverd.mailstore.read import PAGE_ROWS
from mailserverd.model.errors import LimitReached
from mailserverd.model.search_query import And, BodyHas, HeaderHas, Not, Or, TextHas
from tests.mailstore.memory_mail import drive
from tests.mailstore.test_found_before import Counted, Here, message, no_turn

SUBJECT = HeaderHas("Subject", "one")


def mailbox(messages):
    mail = Counted()
    for number in range(messages):
        mail.add(message("one" if number % 2 else "two"))
    mail.read = []
    return mail


def ask(mail, query, limits, turn=no_turn, apart=None):
    index = mail.indexes[1]
    return drive(find(mail, index, index.uids, len(index.uids), query, turn, apart or Here(), limits))


def test_texts_are_counted_wherever_they_stand():
    mail = mailbox(2)
    query = And((Or((BodyHas("a"), Not(TextHas("q")))), SUBJECT))
    assert ask(mail, query, SearchLimits(2, 60)) == [1]
    mail.read = []
    with pytest.raises(LimitReached, match="1 BODY and TEXT keys"):
        ask(mail, And((query, SUBJECT)), SearchLimits(1, 60))
    assert mail.read == []
    assert ask(mail, And((SUBJECT,) * 300), SearchLimits(1, 60)) == [1]


@pytest.fixture
def clock(monkeypatch):
    """A page of rows takes a second; waiting takes a hundred."""
    now = [0.0]
    monkeypatch.setattr(find_limits, "perf_counter", lambda: now[0])
    return now


def slow(mail, clock):
    rows = mail.rows

    async def slowly(*arguments):
        clock[0] += 1
        return await rows(*arguments)

    mail.rows = slowly

    async def turn():
        clock[0] += 100

    return turn


def test_asked_again_it_goes_on(clock):
    mail = mailbox(5 * PAGE_ROWS)
    turn = slow(mail, clock)
    with pytest.raises(LimitReached, match="too long"):
        ask(mail, SUBJECT, SearchLimits(9, 2.5), turn)
    assert len(mail.read) == 3 * PAGE_ROWS
    mail.read = []
    assert ask(mail, SUBJECT, SearchLimits(9, 2.5), turn) == list(range(1, 5 * PAGE_ROWS, 2))
    assert mail.read == list(range(3 * PAGE_ROWS + 1, 5 * PAGE_ROWS + 1))


def test_what_waits_is_not_counted(clock):
    mail = mailbox(3 * PAGE_ROWS)
    assert len(ask(mail, SUBJECT, SearchLimits(9, 3.5), slow(mail, clock))) == 3 * PAGE_ROWS // 2


@pytest.mark.parametrize(("seconds", "ends"), [(0.5, True), (3.5, True), (4.5, False)])
def test_elsewhere_work_is_counted_and_waiting_is_not(clock, monkeypatch, seconds, ends):
    class Busy:
        async def run(self, read, work):
            clock[0] += 100
            return work(await read())

    def texts_of(octets):
        clock[0] += 1
        return [octets.decode()]

    monkeypatch.setattr(find_verdict, "texts_of", texts_of)
    mail = Counted()
    for _ in range(4):
        mail.add(message("one", "x" * 300_000))
    if ends:
        with pytest.raises(LimitReached):
            ask(mail, BodyHas("x"), SearchLimits(9, seconds), apart=Busy())
    else:
        assert ask(mail, BodyHas("x"), SearchLimits(9, seconds), apart=Busy()) == [0, 1, 2, 3]
