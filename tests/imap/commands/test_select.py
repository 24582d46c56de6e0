import pytest

from mailserverd.imap.commands import close, select, unselect
from mailserverd.interfaces.mail_store import Expunge, SetFlags
from mailserverd.model.changes import AccountEvent, Change, What
from mailserverd.model.errors import NotFound
from mailserverd.wire.imap.command.select import Select, parse_examine, parse_select
from tests.imap.fake_session import FakeSession, selecting
from tests.mailstore.memory_mail import MemoryMail, drive

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


def filled(*flags):
    mail = MemoryMail()
    for one in flags:
        mail.add(MESSAGE, one)
    return mail


def test_everything_that_select_tells():
    mail = filled(["\\Seen", "$Own"], [], [])
    row = mail.indexes[1].row
    session = FakeSession(mail)
    out, tagged = session.run(select, parse_select, b"INBOX")
    assert out.decode().split("\r\n") == [
        "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Own)",
        "* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Own \\*)] Flags permitted",
        "* 3 EXISTS",
        "* 3 RECENT",
        "* OK [UNSEEN 2] First unseen",
        f"* OK [UIDVALIDITY {row.uid_validity}] UIDs valid",
        "* OK [UIDNEXT 4] Next UID",
        f"* OK [HIGHESTMODSEQ {row.highest_modseq}] Highest",
        "* OK [MAILBOXID (M1)] Id",
        "",
    ]
    assert tagged == b"a1 OK [READ-WRITE] Selected\r\n"


def test_recent_is_announced_to_one_read_write_session_only():
    mail = filled([], [])
    session = FakeSession(mail)
    for _ in range(2):
        assert b"* 2 RECENT\r\n" in session.run(select, parse_examine, b"INBOX")[0]
    assert b"* 2 RECENT\r\n" in session.run(select, parse_select, b"INBOX")[0]
    assert b"* 0 RECENT\r\n" in FakeSession(mail).run(select, parse_select, b"INBOX")[0]


def test_recent_that_was_announced_while_selected_is_taken_when_leaving():
    mail = filled()
    session = selecting(mail)
    mail.add(MESSAGE)
    assert b"* 1 RECENT" in session.selected.pending_updates()
    assert mail.indexes[1].row.recent_from == 1
    session.run(unselect, lambda cursor: None, b"")
    assert mail.indexes[1].row.recent_from == 2


def test_examine_is_read_only():
    out, tagged = FakeSession(filled([])).run(select, parse_examine, b"inbox")
    assert b"[PERMANENTFLAGS ()]" in out
    assert tagged == b"a1 OK [READ-ONLY] Examined\r\n"


def test_selecting_another_closes_the_first_and_a_failure_leaves_none():
    session = selecting(filled())
    out, _ = session.run(select, parse_select, b"INBOX")
    assert out.startswith(b"* OK [CLOSED]")
    with pytest.raises(NotFound):
        drive(select.run(session, Select("nowhere")))
    assert session.selected is None


def test_condstore_stays_on_for_the_session():
    session = selecting(filled(), condstore=True)
    session.run(select, parse_select, b"INBOX")
    assert session.selected.condstore


def unseen(session):
    out, _ = session.run(select, parse_select, b"INBOX")
    found = out.partition(b"[UNSEEN ")[2].partition(b"]")[0]
    return int(found or 0)


def test_the_first_unseen_follows_every_change():
    mail = filled(["\\Seen"], [], [])
    session = FakeSession(mail)

    def flag(how, *uids):
        mail.commit_now([SetFlags(1, [(uid, uid) for uid in uids], how, ("\\Seen",))])

    assert unseen(session) == 2
    flag("add", 2)
    assert unseen(session) == 3
    flag("add", 3)
    assert unseen(session) == 0
    mail.add(MESSAGE)
    assert unseen(session) == 4
    flag("remove", 3, 2)
    assert unseen(session) == 2
    mail.commit_now([Expunge(1, [(1, 2)], only_deleted=False)])
    assert unseen(session) == 1
    flag("add", 3)
    assert unseen(session) == 2


def test_close_expunges_silently_what_is_deleted():
    mail = filled(["\\Deleted"], [], ["\\Deleted"])
    session = selecting(mail)
    out, tagged = session.run(close, lambda cursor: None, b"")
    assert (out, tagged) == (b"", b"a1 OK Closed\r\n")
    assert list(mail.indexes[1].uids) == [2]
    assert session.selected is None


@pytest.mark.parametrize("command", [close, unselect])
def test_leaving_an_examined_mailbox_expunges_nothing(command):
    mail = filled(["\\Deleted"])
    session = selecting(mail, read_only=True)
    session.run(command, lambda cursor: None, b"")
    assert list(mail.indexes[1].uids) == [1]


def test_the_session_hears_of_its_own_mailbox_until_it_leaves():
    session = selecting(filled([]))
    (listener,) = session.listeners
    for mailbox_id, nudges in [(2, 0), (1, 1)]:
        listener(AccountEvent(1, (Change(200, What.ADDED, mailbox_id, (5,)),)))
        assert session.nudges == nudges
    session.run(unselect, lambda cursor: None, b"")
    assert session.listeners == []
