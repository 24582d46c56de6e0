"""store check: every kind of record is damaged on purpose, found, and mended where something tells what it was."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, gatherResults

from mailserverd.backends.lmdb.check import StoreCheck
from mailserverd.backends.lmdb.check_finding import LOSS
from mailserverd.backends.lmdb.keys import INDEX_JOURNAL, UID_VALIDITY, account_prefix
from mailserverd.backends.lmdb.records import decoded_account, decoded_mailbox, encoded
from mailserverd.backends.lmdb.step import Step
from mailserverd.interfaces.mail_store import Add, Copy, Expunge, SetFlags
from mailserverd.model.identifiers import MailboxId
from tests.backends.lmdb.embedded import Embedded
from tests.contracts.loop import Loop
from tests.contracts.mail import ALL, Mail, blob_segment, message_of, octets_of

A = account_prefix(7)
INBOX, OTHER = (1).to_bytes(4), (2).to_bytes(4)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Embedded]:
    opened = Embedded(tmp_path, Loop())
    yield opened
    opened.close()


@pytest.fixture
def mail(store: Embedded) -> Mail:
    """Ten messages and copies of some, flags, expunges, a blob, an answer, keyed commits, and another account."""
    mail = Mail(store.loop, store.mail_store)
    other = mail.create("Other")
    for n in range(1, 11):
        mail.add(n, *(("\\Seen", "Work") if n % 2 else ("\\Deleted",)), key=b"key %d" % n)
    whole = octets_of(11, 9_000)
    blob_id = store.loop.run(store.blobs.put(whole))
    answer = message_of(whole, (blob_segment(blob_id, len(whole)),), (b"1@example.org",))
    mail.commit(Add(mail.inbox, answer, (), 0))
    mail.commit(Copy(mail.inbox, ((1, 4), (11, 11)), other))
    mail.commit(Expunge(mail.inbox, ((2, 3),), only_deleted=False))
    Mail(store.loop, store.mail_store, 8).add(1)
    return mail


def change(store: Embedded, plan: Callable[[Step], None]) -> None:
    store.loop.run(store.writer.submit(plan))


def put(store: Embedded, key: bytes, value: bytes) -> None:
    change(store, lambda step: step.put(key, value))


def delete(store: Embedded, key: bytes) -> None:
    assert store.environment.get(key) is not None
    change(store, lambda step: step.delete(key))


def first(store: Embedded, prefix: bytes) -> tuple[bytes, bytes]:
    return store.environment.scan(prefix, 1)[0]


def box_with(store: Embedded, **fields: object) -> bytes:
    record = decoded_mailbox(store.environment.get(A + b"m" + INBOX) or b"")
    for name, value in fields.items():
        assert getattr(record, name) != value
        setattr(record, name, value)
    return encoded(record)


def account_with(store: Embedded, **fields: object) -> bytes:
    record = decoded_account(store.environment.get(A + b"a") or b"")
    for name, value in fields.items():
        assert getattr(record, name) != value
        setattr(record, name, value)
    return encoded(record)


def seen_by_users(mail: Mail) -> object:
    """All that a user sees: names, counters, flags, octets."""
    counters = [
        (row.name, row.messages, row.unseen, row.deleted, row.octets, row.deleted_octets, row.uid_next)
        for row in mail.mailboxes()
    ]
    messages = [
        (row.name, one.uid, one.email_id, mail.flags(one.uid, row.mailbox_id), mail.octets(one.email_id))
        for row in mail.mailboxes()
        for one in mail.rows(row.mailbox_id)
    ]
    return counters, messages


def found_and_mended(store: Embedded, mail: Mail, what: str, same: object = None) -> None:
    """The finding is there, the repair mends it, and users see what they saw before the damage."""
    told = store.check().findings
    assert any(what in finding.what for finding in told), [finding.what for finding in told]
    assert store.check().findings == told, "a check alone changes nothing"
    mended = store.check(repair=True)
    assert mended.mended >= 1
    assert store.check().findings == []
    if same is not None:
        assert seen_by_users(Mail(store.loop, store.mail_store)) == same
    mail.add(99)
    assert store.check().findings == [], "and it stays so"


def test_a_sound_store_has_no_findings(store: Embedded, mail: Mail) -> None:
    result = store.check()
    assert result.findings == []
    assert (result.progress.accounts, result.progress.messages, result.progress.blobs) == (2, 12, 1)


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("messages", 77, "messages is 77, not 9"),
        ("unseen", 0, "unseen is 0"),
        ("deleted", 0, "deleted is 0"),
        ("octets", 1, "octets is 1"),
        ("deleted_octets", 5, "deleted_octets is 5"),
        ("uid_next", 5, "uid 11 would be given out again"),
        ("highest_modseq", 1, "highest modseq is 1"),
        ("recent_from", 99, "recent messages begin above"),
        ("tail_page", 3, "the last page is that of"),
        ("expunges", 9, "its expunge log has 1 entries, not 9"),
        ("mailbox_id", 5, "it calls itself 5"),
    ],
)
def test_a_mailbox_that_says_something_wrong(store: Embedded, mail: Mail, field: str, value: int, what: str) -> None:
    before = seen_by_users(mail)
    put(store, A + b"m" + INBOX, box_with(store, **{field: value}))
    found_and_mended(store, mail, what, before)


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("octets", 1, "octets is 1"),
        ("messages", 3, "messages is 3, not 14"),
        ("mailboxes", 5, "mailboxes is 5, not 2"),
        ("next_mailbox", 2, "mailbox id 2 would be given out again"),
        ("modseq", 2, "modseq is 2"),
        ("changes", 1, "the history is not as long"),
    ],
)
def test_an_account_that_says_something_wrong(store: Embedded, mail: Mail, field: str, value: int, what: str) -> None:
    before = seen_by_users(mail)
    put(store, A + b"a", account_with(store, **{field: value}))
    found_and_mended(store, mail, what, before)


@pytest.mark.parametrize("damage", [b"", b"\xc1 not msgpack"], ids=["missing", "unreadable"])
def test_an_account_record_is_made_again(store: Embedded, mail: Mail, damage: bytes) -> None:
    before, modseq = seen_by_users(mail), mail.state().modseq
    if damage:
        put(store, A + b"a", damage)
    else:
        delete(store, A + b"a")
    found_and_mended(store, mail, "account record: it is missing or unreadable", before)
    assert mail.state().modseq > modseq


def test_a_lost_mailbox_comes_back_with_its_mail(store: Embedded, mail: Mail) -> None:
    validity = mail.row(2).uid_validity
    delete(store, A + b"m" + OTHER)
    found_and_mended(store, mail, "it is missing or unreadable")
    again = Mail(store.loop, store.mail_store)
    assert again.names() == ["INBOX", "Recovered-2"]
    assert again.uids(2) == [1, 2, 3, 4, 5]
    assert again.row(2).uid_validity > validity
    assert again.flags(1, 2) == {"\\Seen", "recovered-0"}


def test_a_lost_inbox_is_an_inbox_again(store: Embedded, mail: Mail) -> None:
    put(store, A + b"m" + INBOX, b"\xc1")
    store.check(repair=True)
    assert store.check().findings == []
    assert Mail(store.loop, store.mail_store).names() == ["INBOX", "Other"]


def test_a_lost_row_is_made_again_from_its_message(store: Embedded, mail: Mail) -> None:
    [row] = mail.rows(uids=((5, 5),))
    delete(store, A + b"r" + INBOX + (5).to_bytes(4))
    found_and_mended(store, mail, "message 5 of mailbox 1 has lost its row")
    [again] = Mail(store.loop, store.mail_store).rows(uids=((5, 5),))
    assert (again.email_id, again.thread_id, again.size) == (row.email_id, row.thread_id, row.size)
    assert mail.flags(5) == {"\\Seen", "Work"}
    assert mail.octets(again.email_id) == octets_of(5)


def test_an_unreadable_row_is_made_again(store: Embedded, mail: Mail) -> None:
    put(store, A + b"r" + INBOX + (5).to_bytes(4), b"short")
    found_and_mended(store, mail, "unreadable record of kind r")


def test_a_lost_row_of_a_message_in_blobs_stays_a_finding(store: Embedded, mail: Mail) -> None:
    delete(store, A + b"r" + INBOX + (11).to_bytes(4))
    store.check(repair=True)
    [finding] = store.check().findings
    assert finding.severity == LOSS
    assert "message 11 of mailbox 1 has lost its row" in finding.what
    assert not finding.repairable


def test_a_lost_state_page_leaves_the_messages_without_flags(store: Embedded, mail: Mail) -> None:
    key, _ = first(store, A + b"s" + OTHER)
    delete(store, key)
    found_and_mended(store, mail, "has no flags")
    again = Mail(store.loop, store.mail_store)
    assert again.uids(2) == [1, 2, 3, 4, 5]
    assert again.flags(1, 2) == set()


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda value: b"", "holds 0 messages"),
        (lambda value: value[:-1], "pages are unreadable"),
        (lambda value: value[4:8] + value[:4] + value[8:], "out of order"),
    ],
)
def test_damaged_state_pages_are_written_anew(
    store: Embedded, mail: Mail, damage: Callable[[bytes], bytes], what: str
) -> None:
    key, value = first(store, A + b"s" + OTHER)
    put(store, key, damage(value))
    found_and_mended(store, mail, what)
    assert Mail(store.loop, store.mail_store).uids(2) == [1, 2, 3, 4, 5]


def test_flags_of_a_message_that_is_not_there(store: Embedded, mail: Mail) -> None:
    email_id = mail.rows()[-1].email_id
    delete(store, A + b"r" + INBOX + (11).to_bytes(4))
    placements = store.environment.get(A + b"e" + email_id) or b""
    rest = b"".join(p for p in (placements[:8], placements[8:]) if p != INBOX + (11).to_bytes(4))
    put(store, A + b"e" + email_id, rest)
    found_and_mended(store, mail, "message 11 of mailbox 1 has flags, but neither row nor placement")


def test_placements_follow_the_rows(store: Embedded, mail: Mail) -> None:
    before = seen_by_users(mail)
    key = A + b"e" + mail.rows()[0].email_id
    delete(store, key)
    found_and_mended(store, mail, "its placements say otherwise", before)
    put(store, key, (store.environment.get(key) or b"") + (9).to_bytes(4) + (9).to_bytes(4))
    found_and_mended(store, mail, "its placements say otherwise")


def test_placements_and_octets_of_no_message(store: Embedded, mail: Mail) -> None:
    put(store, A + b"e" + b"z" * 16, INBOX + (500).to_bytes(4))
    put(store, A + b"b" + b"y" * 16, b"\0" * 20)
    told = [finding.what for finding in store.check().findings]
    assert any("placements of a message that is in no mailbox" in what for what in told)
    found_and_mended(store, mail, "octets of a message that is in no mailbox")


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda value: value[:5], "does not open"),
        (lambda value: value[:-3], "it has"),
        (lambda value: b"\x01" + value[1:], "does not open"),
        (lambda value: value[:1] + b"\xff" + value[2:], "cut short"),
    ],
)
def test_damaged_octets_are_a_loss(store: Embedded, mail: Mail, damage: Callable[[bytes], bytes], what: str) -> None:
    key = A + b"b" + mail.rows()[0].email_id
    put(store, key, damage(store.environment.get(key) or b""))
    [finding] = store.check(repair=True).findings
    assert (finding.severity, finding.account_id, finding.repairable) == (LOSS, 7, False)
    assert what in finding.what
    assert "backup" in finding.what_to_do


def test_octets_that_are_gone_are_a_loss(store: Embedded, mail: Mail) -> None:
    delete(store, A + b"b" + mail.rows()[0].email_id)
    [finding] = store.check(repair=True).findings
    assert (finding.severity, finding.what) == (LOSS, "the octets of message 1 of mailbox 1 are gone")


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda path: path.unlink(), "is gone"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "which do not give"),
        (lambda path: path.write_bytes(b"?" + path.read_bytes()[1:]), "other octets than its name says"),
    ],
)
def test_damaged_blobs_are_a_loss(
    store: Embedded, mail: Mail, tmp_path: Path, damage: Callable[[Path], object], what: str
) -> None:
    [path] = (tmp_path / "blobs").glob("??/??/*")
    damage(path)
    [finding] = store.check(repair=True).findings
    assert finding.severity == LOSS
    assert path.name in finding.what
    assert what in finding.what


def test_thread_members_follow_the_rows(store: Embedded, mail: Mail) -> None:
    key, _ = first(store, A + b"T")
    delete(store, key)
    found_and_mended(store, mail, "misses its message")
    put(store, A + b"T" + b"t" * 16 + b"e" * 16, b"")
    found_and_mended(store, mail, "names a message that is gone")
    key, _ = first(store, A + b"t")
    put(store, key, b"short")
    found_and_mended(store, mail, "a message id leads to no thread")


def test_an_unreadable_step_of_the_history_takes_what_is_before_it_along(store: Embedded, mail: Mail) -> None:
    steps = store.environment.scan(A + b"c")
    put(store, steps[3][0], b"\xc1")
    found_and_mended(store, mail, "a step of the history is unreadable")
    account = decoded_account(store.environment.get(A + b"a") or b"")
    assert account.changes_floor == int.from_bytes(steps[3][0][-8:])


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (b"odd", "unreadable"),
        ((50).to_bytes(4, "little") * 2, "unreadable"),
        ((1).to_bytes(4, "little") * 2, "names a message that is there"),
    ],
)
def test_a_wrong_expunge_log(store: Embedded, mail: Mail, value: bytes, what: str) -> None:
    key, _ = first(store, A + b"x" + INBOX)
    put(store, key, value)
    found_and_mended(store, mail, what)
    assert decoded_mailbox(store.environment.get(A + b"m" + INBOX) or b"").expunge_floor == int.from_bytes(key[-8:])


def test_leftovers(store: Embedded, mail: Mail) -> None:
    key, _ = first(store, A + b"k")
    put(store, key, b"\xc1")
    found_and_mended(store, mail, "the result of a keyed commit is unreadable")
    put(store, A + b"x" + (44).to_bytes(4) + (1).to_bytes(8), b"")
    found_and_mended(store, mail, "an expunge log of mailbox 44, which is gone")
    put(store, A + b"?strange", b"")
    found_and_mended(store, mail, "a record that means nothing")
    put(store, account_prefix(99) + b"pname", b"")
    found_and_mended(store, mail, "1 records of an account that is gone")
    put(store, INDEX_JOURNAL + (98).to_bytes(8), b"")
    found_and_mended(store, mail, "the index journal names an account that is gone")


def test_what_belongs_to_no_account(store: Embedded, mail: Mail) -> None:
    put(store, UID_VALIDITY, (1).to_bytes(4))
    found_and_mended(store, mail, "the highest given out is 1")
    delete(store, INDEX_JOURNAL + A[1:])
    found_and_mended(store, mail, "the index journal does not know")
    put(store, b"Pm" + b"key", b"message")
    found_and_mended(store, mail, "of no pending delivery")
    put(store, b"Pr" + b"key", b"\xc1")
    found_and_mended(store, mail, "is unreadable")
    put(store, b"Da" + b"\0" * 8, b"\xc1")
    [finding] = store.check(repair=True).findings
    assert "the directory's account" in finding.what


def test_random_damage_is_always_told_and_never_raises(store: Embedded, mail: Mail) -> None:
    """Every record of the account, one after the other, cut in half; then the store is put back as it was."""
    for key, value in store.environment.scan(A):
        kind = key[len(A) : len(A) + 1]
        put(store, key, value[: len(value) // 2] + b"\xc1")
        if kind not in (b"T", b"p"):
            assert store.check().findings, f"{key!r} was damaged and nobody noticed"
        put(store, key, value)
    assert store.check().findings == []


def test_a_check_during_changes_finds_nothing_that_is_not_there(store: Embedded, mail: Mail) -> None:
    for n in range(300):
        mail.add(1_000 + n)
    loop, box = store.loop, MailboxId(mail.inbox)

    async def change_all_the_time() -> None:
        for n in range(150):
            await mail.account.commit([Add(box, message_of(octets_of(5_000 + n)), (), 0)])
            await mail.account.commit([Expunge(box, ((20 + n, 20 + n),), only_deleted=False)])
            await mail.account.commit([SetFlags(box, ALL, "add" if n % 2 else "remove", ("\\Seen",))])

    check = StoreCheck(store.environment, store.writer, store.blobs, store.threads, store.mail_store.refresh)

    async def check_all_the_time() -> list[str]:
        found: list[str] = []
        for _ in range(5):
            found += [finding.what for finding in (await check.run()).findings]
        return found

    work = [Deferred.fromCoroutine(change_all_the_time()), Deferred.fromCoroutine(check_all_the_time())]
    assert loop.run(gatherResults(work))[1] == []


def test_a_repair_during_changes_mends_and_loses_nothing(store: Embedded, mail: Mail) -> None:
    put(store, A + b"m" + INBOX, box_with(store, messages=500))
    box, before = MailboxId(mail.inbox), len(mail.uids())

    async def add_some() -> None:
        for n in range(50):
            await mail.account.commit([Add(box, message_of(octets_of(5_000 + n)), (), 0)])

    check = StoreCheck(store.environment, store.writer, store.blobs, store.threads, store.mail_store.refresh)
    work = [Deferred.fromCoroutine(add_some()), Deferred.fromCoroutine(check.run(repair=True))]
    result = store.loop.run(gatherResults(work))[1]
    assert result.mended == 1
    assert store.check().findings == []
    assert len(mail.uids()) == before + 50
    assert mail.row().messages == before + 50
