"""What one session leaves for the next, over the real store: \\Recent, however the first one ended."""

from pathlib import Path
from threading import Event

import pytest

from mailserverd.backends.lmdb.environment import Transaction, WriteFailed
from tests.imap.house import Connection, House


def entered(house: House) -> Connection:
    connection = house.connect()
    assert b"a0 OK" in connection.say(b"a0 LOGIN user {13+}\r\ncorrect horse\r\n")
    return connection


@pytest.mark.parametrize("orderly", [True, False])
def test_recent_is_told_to_one_session_even_when_it_drops(house: House, orderly: bool) -> None:
    """RFC 3501 §2.3.2: the first session to be told of a message is the only one with \\Recent."""
    house.put(b"a: 1\r\n")
    first = entered(house)
    assert b"* 1 RECENT\r\n" in first.say(b"b SELECT INBOX\r\n")
    house.put(b"a: 2\r\n")
    assert b"* 2 RECENT\r\n" in first.say(b"c NOOP\r\n")
    first.drop(orderly)
    house.put(b"a: 3\r\n")
    second = entered(house)
    assert b"* 1 RECENT\r\n" in second.say(b"b SELECT INBOX\r\n")
    assert second.say(b"c FETCH 1:* FLAGS\r\n").count(b"\\Recent") == 1
    assert second.say(b"d SEARCH RECENT\r\n").startswith(b"* SEARCH 3\r\n")


def test_recent_survives_a_restart_and_no_more(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.put(b"a: 1\r\n")
    house.put(b"a: 2\r\n", mailbox="Drafts")
    first = entered(house)
    assert b"* 1 RECENT\r\n" in first.say(b"b SELECT INBOX\r\n")
    house.close()
    again = House(tmp_path)
    second = entered(again)
    assert b"* 0 RECENT\r\n" in second.say(b"b SELECT INBOX\r\n")
    assert b"* 1 RECENT\r\n" in second.say(b"c SELECT Drafts\r\n")
    again.close()


def test_select_waits_for_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor for the first one after a start, which reserves MODSEQs; nobody else is told of the same meanwhile."""
    before = House(tmp_path)
    before.put(b"a: 1\r\n")
    before.close()
    house = House(tmp_path)
    commit, disk = house.store.environment.commit, Event()

    def slow(transaction: Transaction) -> None:
        assert disk.wait(60)
        commit(transaction)

    monkeypatch.setattr(house.store.environment, "commit", slow)
    first, second = entered(house), entered(house)
    assert b"* 1 RECENT\r\n" in first.say(b"b SELECT INBOX\r\n")
    assert b"(RECENT 0)" in second.say(b"b STATUS INBOX (RECENT)\r\n")
    assert b"* 0 RECENT\r\n" in second.say(b"c SELECT INBOX\r\n")
    assert house.loop.run(house.mail().mailbox_named("INBOX")).recent_from == 1, "the disk has not answered"
    disk.set()
    first.drop()
    house.close()
    again = House(tmp_path)
    assert b"* 0 RECENT\r\n" in entered(again).say(b"b SELECT INBOX\r\n")
    again.close()


def test_a_disk_that_refuses_keeps_nobody_from_reading(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.put(b"a: 1\r\n")

    def refuse(transaction: Transaction) -> None:
        transaction.abort()
        raise WriteFailed("No space left on device")

    connection = entered(house)
    monkeypatch.setattr(house.store.environment, "commit", refuse)
    assert b"b OK" in connection.say(b"b SELECT INBOX\r\n")
    assert b"a: 1\r\n" in connection.say(b"c FETCH 1 BODY.PEEK[]\r\n")
    assert b"d NO" in connection.say(b"d CREATE other\r\n")
    monkeypatch.undo()


def test_a_deleted_mailbox_is_told_once_also_in_idle(house: House) -> None:
    """RFC 2180 §3.3: the other session goes on without its mailbox until it leaves it."""
    first, second = entered(house), entered(house)
    assert b"b OK" in first.say(b"b SELECT Drafts\r\n")
    assert first.say(b"c IDLE\r\n").startswith(b"+ ")
    assert b"b OK" in second.say(b"b DELETE Drafts\r\n")
    assert first.took() == b"* NO The selected mailbox has been deleted\r\n"
    assert first.say(b"DONE\r\n") == b"c OK Idle ended\r\n"
    for command in (b"FETCH 1:* FLAGS", b"STORE 1 +FLAGS (\\Seen)", b"EXPUNGE", b"SEARCH ALL", b"UID FETCH 1:* FLAGS"):
        assert first.say(b"d %b\r\n" % command).startswith(b"d NO [NONEXISTENT] ")
    assert first.say(b"e UNSELECT\r\n").startswith(b"e OK ")
    assert first.say(b'f LIST "" Drafts\r\n').startswith(b"f OK ")


def test_a_renamed_mailbox_stays_selected(house: House) -> None:
    house.put(b"a: 1\r\n", mailbox="Drafts")
    first, second = entered(house), entered(house)
    assert b"* 1 EXISTS" in first.say(b"b SELECT Drafts\r\n")
    assert b"b OK" in second.say(b"b RENAME Drafts Plans\r\n")
    assert first.say(b"c FETCH 1 (UID)\r\n") == b"* 1 FETCH (UID 1)\r\nc OK Fetched\r\n"
    house.put(b"a: 2\r\n", mailbox="Plans")
    assert b"* 2 EXISTS\r\n" in first.say(b"d NOOP\r\n")
