"""Reading ahead, and large inboxes."""

from twisted.internet.defer import Deferred, succeed

from mailserverd.model.message import Fields
from mailserverd.pop3 import maildrop as module
from mailserverd.pop3.maildrop import AHEAD_MESSAGES, Large, Maildrop
from tests.accounts.doubles import drive
from tests.mailstore.memory_mail import MemoryMail


class CountedMail(MemoryMail):
    def __init__(self):
        super().__init__()
        self.pages = []

    async def rows(self, mailbox_id, uids, want, limit):
        page = await super().rows(mailbox_id, uids, want, limit)
        self.pages.append((want, [row.uid for row in page.rows]))
        return page


def opened(*messages):
    mail = CountedMail()
    for octets in messages:
        mail.add(octets)
    drop = drive(Maildrop.open(mail, lambda: succeed(None)))
    return mail, drop


def small(n):
    return b"Subject: %d\r\n\r\nbody\r\n" % n


def read(drop, number):
    return drop.ready(number) or drive(drop.read(number))


def test_a_client_that_goes_in_order_gets_ever_larger_pages():
    mail, drop = opened(*(small(n) for n in range(1, 101)))
    for n in range(1, 101):
        assert b"Subject: %d\r\n" % n in read(drop, n)
    sizes = [len(uids) for _, uids in mail.pages]
    assert sizes[0] <= 4
    assert max(sizes) <= AHEAD_MESSAGES
    assert len(sizes) < 20
    assert sum(sizes) == 100  # nothing is read twice


def test_a_client_that_jumps_about_gets_what_it_asks_for():
    mail, drop = opened(*(small(n) for n in range(1, 50)))
    for n in (40, 7, 30, 2):
        read(drop, n)
    assert [uids for _, uids in mail.pages] == [[40], [7], [30], [2]]


def test_deleted_messages_are_not_read_ahead():
    mail, drop = opened(*(small(n) for n in range(1, 10)))
    drop.delete(2)
    read(drop, 1)
    assert mail.pages[0][1] == [1, 3, 4]


def test_reading_ahead_is_bounded_in_octets():
    body = b"Subject: x\r\n\r\n" + b"x" * 98 + b"\r\n"
    large = b"Subject: x\r\n\r\n" + (b"y" * 998 + b"\r\n") * 200
    mail, drop = opened(*[body] * 5, *[large] * 30)
    drive(drop.sizes())
    mail.pages.clear()
    for n in range(1, 36):
        read(drop, n)
    assert max(sum(mail.kept[1][uid].message.size for uid in uids) for _, uids in mail.pages) <= module.AHEAD_OCTETS


def test_a_large_message_is_not_read_in_one_piece():
    large = b"Subject: l\r\n\r\n" + b"0123456789\r\n" * 30_000
    _, drop = opened(small(1), large)
    found = read(drop, 2)
    assert isinstance(found, Large)
    assert found.size == len(large)


def test_what_was_read_ahead_is_given_once():
    _, drop = opened(small(1), small(2))
    read(drop, 1)
    assert drop.ready(2) is not None
    assert drop.ready(2) is None


def test_sizes_of_a_large_inbox_leave_turns_to_others(monkeypatch):
    monkeypatch.setattr(module, "_PAGE_ROWS", 10)
    mail = CountedMail()
    for n in range(35):
        mail.add(small(n))
    turns = []

    def breathe():
        turns.append(Deferred())
        return turns[-1]

    drop = drive(Maildrop.open(mail, breathe))
    done = Deferred.fromCoroutine(drop.sizes())
    while not done.called:
        turns[-1].callback(None)
    assert list(done.result) == [len(small(n)) for n in range(35)]
    assert len(turns) == 3
    assert {want for want, _ in mail.pages} == {Fields.META}


def test_totals_without_reading_a_row():
    mail, drop = opened(small(1), small(2))
    assert drive(drop.total()) == (2, len(small(1)) * 2)
    assert mail.pages == []
    drop.delete(1)
    assert drive(drop.total()) == (1, len(small(1)))


def test_an_empty_inbox():
    _, drop = opened()
    assert drive(drop.size_lines()) == []
    assert drop.uidl_lines() == []
    assert not drop.has(0)
    assert not drop.has(1)
