import pytest

from mailserverd.imap.commands import close, fetch, search, store
from mailserverd.imap.commands import expunge as expunge_command
from mailserverd.imap.selected import Selected
from mailserverd.interfaces import mailbox_index
from mailserverd.interfaces.mail_store import DropMailbox, Expunge, SetFlags
from mailserverd.mailstore import mailboxes
from mailserverd.model.errors import NotFound
from mailserverd.wire.imap.command.expunge import parse_expunge
from mailserverd.wire.imap.command.fetch import parse_fetch
from mailserverd.wire.imap.command.search import parse_search
from mailserverd.wire.imap.command.store import parse_store
from mailserverd.wire.imap.sequence_set import parse_set
from mailserverd.wire.imap.syntax_error import BadSyntax
from tests.imap.fake_session import selecting
from tests.mailstore.memory_mail import MemoryMail, drive

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


def filled(count, **view):
    mail = MemoryMail()
    for _ in range(count):
        mail.add(MESSAGE)
    return mail, Selected(mail, mail.indexes[1], **{"read_only": False, **view})


def expunge(mail, *uids):
    mail.commit_now([Expunge(1, [(uid, uid) for uid in uids], only_deleted=False)])


def flag(mail, how, *uids, flags=("\\Seen",)):
    return mail.commit_now([SetFlags(1, [(uid, uid) for uid in uids], how, flags)]).modseq


def test_numbers_and_uids_become_spans():
    mail, selected = filled(5)
    expunge(mail, 2, 3)
    selected.pending_updates()
    assert selected.spans(parse_set(b"2:*"), uid=False) == [(1, 3)]
    assert selected.spans(parse_set(b"2:4"), uid=True) == [(1, 2)]
    assert selected.spans(parse_set(b"1,4:5,*"), uid=True) == [(0, 3)]
    assert selected.spans(parse_set(b"9:*"), uid=True) == [(2, 3)]
    assert selected.spans(parse_set(b"2:3"), uid=True) == []
    assert selected.uid_ranges([(0, 2)]) == [(1, 4)]


@pytest.mark.parametrize("text", [b"4", b"3:4", b"9:*", b"1,7"])
def test_a_number_beyond_the_last_is_bad(text):
    _, selected = filled(3)
    with pytest.raises(BadSyntax):
        selected.spans(parse_set(text), uid=False)


def test_the_star_of_an_empty_mailbox():
    _, selected = filled(0)
    with pytest.raises(BadSyntax):
        selected.spans(parse_set(b"*"), uid=False)
    assert selected.spans(parse_set(b"1:*"), uid=True) == []


def test_new_messages():
    mail, selected = filled(1)
    assert selected.pending_updates() == b""
    mail.add(MESSAGE)
    mail.add(MESSAGE)
    assert selected.pending_updates(allow_expunge=False) == b"* 3 EXISTS\r\n* 2 RECENT\r\n"
    assert selected.pending_updates() == b""


def test_only_the_first_session_that_hears_of_a_message_calls_it_recent():
    mail, first = filled(0)
    second = Selected(mail, mail.indexes[1], read_only=False)
    third = Selected(mail, mail.indexes[1], read_only=True)
    mail.add(MESSAGE)
    assert b"* 0 RECENT" in third.pending_updates()
    assert b"* 1 RECENT" in first.pending_updates()
    assert b"* 0 RECENT" in second.pending_updates()
    assert first.flag_lines([0], False) == b"* 1 FETCH (FLAGS (\\Recent))\r\n"
    assert second.flag_lines([0], False) == b"* 1 FETCH (FLAGS ())\r\n"


def test_expunges_are_numbered_as_the_client_counts():
    mail, selected = filled(6)
    expunge(mail, 1, 2, 5)
    assert selected.pending_updates() == b"* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n* 3 EXPUNGE\r\n"
    assert [selected.uids[i] for i in range(selected.count)] == [3, 4, 6]


def test_while_numbers_are_in_use_nothing_is_renumbered():
    mail, selected = filled(3)
    expunge(mail, 1)
    mail.add(MESSAGE)
    flag(mail, "add", 2)
    # the new message can only be counted after the one that is gone
    assert selected.pending_updates(allow_expunge=False) == b"* 2 FETCH (FLAGS (\\Seen))\r\n"
    assert selected.masks_at([0, 1, 2]) == [-1, 1, 0]
    flag(mail, "add", 3)
    out = selected.pending_updates()
    assert out == b"* 1 EXPUNGE\r\n* 3 EXISTS\r\n* 1 RECENT\r\n* 2 FETCH (FLAGS (\\Seen))\r\n"


def test_a_message_that_came_and_went_is_never_told():
    mail, selected = filled(1)
    uid = mail.add(MESSAGE)
    expunge(mail, uid)
    assert selected.pending_updates() == b""
    assert selected.count == 1


def test_own_changes_are_not_told_twice_but_those_of_others_are():
    mail, selected = filled(3)
    selected.was_told(flag(mail, "add", 1, 2), [(1, 1)])
    flag(mail, "add", 3)
    assert selected.pending_updates() == b"* 2 FETCH (FLAGS (\\Seen))\r\n* 3 FETCH (FLAGS (\\Seen))\r\n"
    assert selected.own == {}


def test_own_changes_outrun_the_log_and_are_still_not_told(monkeypatch):
    monkeypatch.setattr(mailbox_index, "LOGGED_UIDS", 8)
    mail, selected = filled(9)
    for low in (1, 4, 7):
        selected.was_told(flag(mail, "add", low, low + 1, low + 2), [(low, low + 2)])
        mail.add(MESSAGE)
    assert selected.own == {}
    assert selected.pending_updates() == b"* 12 EXISTS\r\n* 3 RECENT\r\n"
    flag(mail, "add", 2, flags=("\\Flagged",))
    for low in (4, 7):
        selected.was_told(flag(mail, "remove", low, low + 1, low + 2), [(low, low + 2)])
    assert b"* 2 FETCH (FLAGS (\\Seen \\Flagged))\r\n" in selected.pending_updates()


def test_a_keyword_of_its_own_is_announced_though_the_flags_are_not():
    mail, selected = filled(1)
    selected.was_told(flag(mail, "add", 1, flags=("$Own",)), [(1, 1)])
    assert selected.pending_updates().startswith(b"* FLAGS (")
    assert selected.pending_updates() == b""


def test_condstore_tells_uid_and_modseq():
    mail, selected = filled(2, condstore=True)
    modseq = flag(mail, "add", 2)
    assert selected.pending_updates() == b"* 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (%d))\r\n" % modseq


def test_a_new_keyword_is_announced_before_it_is_used():
    mail, selected = filled(1)
    flag(mail, "add", 1, flags=("$Junk",))
    lines = selected.pending_updates().split(b"\r\n")
    assert lines[0] == b"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Junk)"
    assert lines[1].startswith(b"* OK [PERMANENTFLAGS (")
    assert b"$Junk \\*)]" in lines[1]
    assert lines[2] == b"* 1 FETCH (FLAGS ($Junk))"


def test_when_the_log_is_too_short_the_arrays_tell(monkeypatch):
    monkeypatch.setattr(mailbox_index, "LOGGED_UIDS", 2)
    mail, selected = filled(5)
    flag(mail, "add", 4)
    expunge(mail, 1, 3)
    flag(mail, "add", 2)
    assert mail.indexes[1].changes_after(selected._flags_from) is None
    out = selected.pending_updates()
    assert out == (b"* 1 EXPUNGE\r\n* 2 EXPUNGE\r\n* 1 FETCH (FLAGS (\\Seen))\r\n* 2 FETCH (FLAGS (\\Seen))\r\n")


def test_a_mailbox_deleted_by_another_session_is_said_to_be():
    session = selecting(MemoryMail())
    made = drive(mailboxes.create(session.mail, "a"))
    session = selecting(session.mail, "a")
    session.mail.commit_now([DropMailbox(made)])
    assert session.selected.pending_updates() == b"* NO The selected mailbox has been deleted\r\n"
    assert session.selected.pending_updates() == b""
    for command, parse, text in [
        (fetch, parse_fetch, b"1:* FLAGS"),
        (store, parse_store, b"1:* FLAGS ()"),
        (search, parse_search, b"ALL"),
        (expunge_command, parse_expunge, b""),
    ]:
        with pytest.raises(NotFound):
            session.run(command, parse, text)
    assert session.run(close, lambda cursor: None, b"")[1] == b"a1 OK Closed\r\n"
