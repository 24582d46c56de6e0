import random

import pytest

from mailserverd.interfaces.mail_store import Expunge, SetFlags
from mailserverd.mailstore.find import find
from mailserverd.mailstore.find_limits import SearchLimits
from mailserverd.mailstore.found_before import MAX_FOUND, MAX_QUESTIONS, known, lasts, remember
from mailserverd.model.errors import Damaged
from mailserverd.model.search_query import (
    And,
    BodyHas,
    HasFlags,
    HeaderHas,
    Not,
    Or,
    SizeIn,
    TextHas,
    ThreadIdIs,
    UidIn,
)
from tests.mailstore.memory_mail import MemoryMail, drive

SUBJECT = HeaderHas("Subject", "one")
LIMITS = SearchLimits(100, 60)


class Counted(MemoryMail):
    """read: UIDs of the rows that were given out."""

    def __init__(self):
        super().__init__()
        self.read = []

    async def rows(self, mailbox_id, uids, want, limit):
        page = await super().rows(mailbox_id, uids, want, limit)
        self.read += [row.uid for row in page.rows]
        return page


def message(subject, body="text"):
    return f"Subject: {subject}\r\n\r\n{body}\r\n".encode()


def mailbox(*subjects):
    mail = Counted()
    for subject in subjects:
        mail.add(message(subject))
    return mail, mail.indexes[1]


async def no_turn():
    pass


class Here:
    async def run(self, read, work):
        return work(await read())


def ask(mail, query, uids=None, count=None):
    index = mail.indexes[1]
    mail.read = []
    uids = index.uids if uids is None else uids
    hits = drive(find(mail, index, uids, len(uids) if count is None else count, query, no_turn, Here(), LIMITS))
    return [uids[hit] for hit in hits]


def test_the_second_time_nothing_is_read():
    mail, _ = mailbox("one", "two", "one more")
    assert ask(mail, SUBJECT) == [1, 3]
    assert mail.read == [1, 2, 3]
    assert ask(mail, SUBJECT) == [1, 3]
    assert mail.read == []


def test_only_what_came_since_is_read():
    mail, index = mailbox("one", "two")
    ask(mail, SUBJECT)
    mail.add(message("one again"))
    mail.add(message("two again"))
    assert ask(mail, SUBJECT) == [1, 3]
    assert mail.read == [3, 4]
    assert known(index, SUBJECT).last == 4
    assert ask(mail, SUBJECT) == [1, 3]
    assert mail.read == []


def test_what_is_expunged_is_not_found_told_or_not():
    mail, index = mailbox("one", "two", "one", "one")
    ask(mail, SUBJECT)
    before = index.uids
    mail.commit_now([Expunge(1, [(1, 1), (4, 4)], only_deleted=False)])
    assert ask(mail, SUBJECT) == [3]
    assert ask(mail, SUBJECT, before) == [3]  # a client that still counts the first
    assert mail.read == []


def test_a_narrowed_search_uses_what_is_known_and_teaches_nothing():
    mail, index = mailbox("one", "one", "two", "one")
    mail.commit_now([SetFlags(1, [(1, 1)], "add", ("\\Seen",), None)])
    unseen = And((HasFlags(("\\Seen",), False), SUBJECT))
    assert ask(mail, unseen) == [2, 4]
    assert index.searched is None
    ask(mail, SUBJECT)
    assert ask(mail, unseen) == [2, 4]
    assert mail.read == []
    mail.add(message("one"))
    assert ask(mail, unseen) == [2, 4, 5]
    assert mail.read == [5]
    assert known(index, SUBJECT).last == 4


def test_a_session_that_does_not_know_the_newest_teaches_up_to_what_it_knows():
    mail, index = mailbox("one", "two", "one")
    assert ask(mail, SUBJECT, count=2) == [1]
    assert known(index, SUBJECT).last == 2
    assert ask(mail, SUBJECT) == [1, 3]
    assert mail.read == [3]
    assert ask(mail, SUBJECT, count=2) == [1]
    assert known(index, SUBJECT).last == 3


def test_flags_and_threads_are_asked_anew():
    assert lasts(And((SUBJECT, Not(Or((BodyHas("x"), TextHas("y"), SizeIn(1, 2)))))))
    for query in (HasFlags(("\\Seen",)), UidIn(((1, 2),)), ThreadIdIs(b"T" * 16)):
        assert not lasts(Or((SUBJECT, query)))
    mail, _ = mailbox("one", "two")
    query = Or((HasFlags(("\\Seen",)), SUBJECT))
    assert ask(mail, query) == [1]
    mail.commit_now([SetFlags(1, [(2, 2)], "add", ("\\Seen",), None)])
    assert ask(mail, query) == [1, 2]


def test_a_damaged_message_is_read_again():
    mail, index = mailbox("one")
    mail.add(message("large", "x" * 300_000 + " needle"))
    good = mail.octets

    async def damaged(email_id, start, stop):
        raise Damaged("gone")

    mail.octets = damaged
    assert ask(mail, BodyHas("needle")) == []
    assert index.searched is None
    mail.octets = good
    assert ask(mail, BodyHas("needle")) == [2]
    assert ask(mail, BodyHas("needle")) == [2]
    assert mail.read == []


def test_memory_is_bounded():
    _, index = mailbox("one")
    remember(index, SUBJECT, 9, range(MAX_FOUND + 1))
    remember(index, HeaderHas("Subject", "x" * 1000), 9, [1])
    assert index.searched is None
    for n in range(MAX_QUESTIONS + 2):
        remember(index, BodyHas(str(n)), 9, [n])
        remember(index, SUBJECT, 9 + n, [1])
    assert len(index.searched) == MAX_QUESTIONS
    assert known(index, SUBJECT).last == 9 + MAX_QUESTIONS + 1
    assert not known(index, BodyHas("0")).last
    remember(index, SUBJECT, 3, [])
    assert known(index, SUBJECT).last == 9 + MAX_QUESTIONS + 1


@pytest.mark.parametrize("seed", range(20))
def test_an_answer_is_the_same_as_without_memory(seed):
    rng = random.Random(seed)
    mail, index = mailbox("one", "two", "one two")
    queries = [SUBJECT, Not(SUBJECT), HeaderHas("Subject", "two"), And((HasFlags(("\\Seen",), False), SUBJECT))]
    for _ in range(60):
        what = rng.randrange(5)
        uids = list(mail.indexes[1].uids)
        if what == 0:
            mail.add(message(rng.choice(("one", "two", "one two", "three"))))
        elif what == 1 and len(uids) > 1:
            uid = rng.choice(uids)
            mail.commit_now([Expunge(1, [(uid, uid)], only_deleted=False)])
        elif what == 2 and uids:
            uid = rng.choice(uids)
            mail.commit_now([SetFlags(1, [(uid, uid)], rng.choice(("add", "remove")), ("\\Seen",), None)])
        else:
            query = rng.choice(queries)
            found = ask(mail, query)
            kept, index.searched = index.searched, None
            assert found == ask(mail, query)
            index.searched = kept
