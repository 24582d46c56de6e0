from mailserverd.imap.commands import store
from mailserverd.interfaces.mail_store import Expunge, SetFlags
from mailserverd.wire.imap.command.store import parse_store
from tests.imap.fake_session import selecting
from tests.mailstore.memory_mail import MemoryMail

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


def inbox(count, **view):
    mail = MemoryMail()
    for _ in range(count):
        mail.add(MESSAGE)
    mail.indexes[1].recent_claimed = 1000
    return selecting(mail, **view)


def ask(session, text, uid=False):
    return session.run(store, parse_store, text, uid=uid)


def test_each_way_to_set_flags():
    session = inbox(2)
    out, _ = ask(session, b"1:2 FLAGS (\\Seen $Junk)")
    announced, _, lines = out.partition(b"Flags permitted\r\n")
    assert announced.startswith(
        b"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Junk)\r\n* OK [PERMANENTFLAGS"
    )
    assert lines == (b"* 1 FETCH (FLAGS (\\Seen $Junk))\r\n* 2 FETCH (FLAGS (\\Seen $Junk))\r\n")
    assert ask(session, b"2 -FLAGS \\Seen", uid=True)[0] == b"* 2 FETCH (UID 2 FLAGS ($Junk))\r\n"
    assert ask(session, b"2 +FLAGS (\\Draft)")[0] == b"* 2 FETCH (FLAGS (\\Draft $Junk))\r\n"
    assert ask(session, b"1 FLAGS.SILENT ()") == (b"", b"a1 OK Stored\r\n")
    assert session.mail.indexes[1].masks[0] == 0


def test_the_answer_is_not_repeated_but_another_session_hears_it():
    session = inbox(1)
    other = selecting(session.mail)
    ask(session, b"1 +FLAGS.SILENT (\\Seen)")
    assert b"FETCH" not in session.selected.pending_updates()
    assert other.selected.pending_updates() == b"* 1 FETCH (FLAGS (\\Seen))\r\n"


def test_flags_as_they_were_are_still_answered():
    session = inbox(1)
    ask(session, b"1 +FLAGS (\\Seen)")
    assert ask(session, b"1 +FLAGS (\\Seen)")[0] == b"* 1 FETCH (FLAGS (\\Seen))\r\n"


def test_unchanged_since_leaves_what_changed_and_says_which():
    session = inbox(3)
    since = session.mail.modseq
    session.mail.commit_now([SetFlags(1, [(2, 2)], "add", ("\\Flagged",))])
    out, tagged = ask(session, b"1:3 (UNCHANGEDSINCE %d) +FLAGS (\\Seen)" % since)
    modseq = session.mail.modseq
    assert out == (
        b"* 1 FETCH (FLAGS (\\Seen) MODSEQ (%d))\r\n* 3 FETCH (FLAGS (\\Seen) MODSEQ (%d))\r\n" % (modseq, modseq)
    )
    assert tagged.startswith(b"a1 OK [MODIFIED 2] ")
    # what another session changed is told afterwards
    assert b"* 2 FETCH (UID 2 FLAGS (\\Flagged)" in session.selected.pending_updates()
    out, tagged = ask(session, b"1:* (UNCHANGEDSINCE 0) -FLAGS.SILENT (\\Seen)", uid=True)
    assert (out, tagged[:20]) == (b"", b"a1 OK [MODIFIED 1:3]")


def test_silent_still_tells_the_modseq_once_condstore_is_on():
    session = inbox(1, condstore=True)
    out, _ = ask(session, b"1 +FLAGS.SILENT (\\Seen)", uid=True)
    assert out == b"* 1 FETCH (UID 1 MODSEQ (%d))\r\n" % session.mail.modseq


def test_examine_stores_nothing():
    session = inbox(1, read_only=True)
    assert ask(session, b"1 +FLAGS (\\Seen)")[1].startswith(b"a1 NO ")
    assert list(session.mail.indexes[1].masks) == [0]


def test_expunged_messages_are_said_to_be():
    session = inbox(3)
    session.mail.commit_now([Expunge(1, [(1, 1)], only_deleted=False)])
    out, tagged = ask(session, b"1:3 +FLAGS (\\Seen)")
    assert out == b"* 2 FETCH (FLAGS (\\Seen))\r\n* 3 FETCH (FLAGS (\\Seen))\r\n"
    assert tagged.startswith(b"a1 NO [EXPUNGEISSUED]")


def test_a_large_set_goes_in_steps():
    session = inbox(5000)
    before = len(session.mail.commits)
    out, _ = ask(session, b"1:* +FLAGS (\\Seen)")
    assert out.count(b"\r\n") == 5000
    assert len(session.mail.commits) == before + 2
    assert session.selected.pending_updates() == b""
