from mailserverd.imap.commands import copy, expunge, move
from mailserverd.mailstore import mailboxes
from mailserverd.wire.imap.command.copy import parse_copy
from mailserverd.wire.imap.command.expunge import parse_expunge
from mailserverd.wire.imap.command.move import parse_move
from tests.imap.fake_session import selecting
from tests.mailstore.memory_mail import MemoryMail, drive

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


def inbox(*flags, **view):
    mail = MemoryMail()
    for one in flags:
        mail.add(MESSAGE, one)
    mail.target = drive(mailboxes.create(mail, "Trash"))
    return selecting(mail, **view)


def test_copy_keeps_flags_and_tells_the_uids():
    session = inbox(["$Own"], [], ["\\Seen"])
    validity = session.mail.indexes[session.mail.target].row.uid_validity
    out, tagged = session.run(copy, parse_copy, b"1,3 Trash")
    assert (out, tagged) == (b"", b"a1 OK [COPYUID %d 1,3 1:2] Copied\r\n" % validity)
    target = session.mail.indexes[session.mail.target]
    assert target.row.keywords == ("$Own",)
    assert list(target.masks) == [1 << 8, 1]
    assert session.run(copy, parse_copy, b"9 Trash", uid=True)[1] == b"a1 OK No messages were named\r\n"


def test_a_missing_target():
    session = inbox([])
    for command, parse in ((copy, parse_copy), (move, parse_move)):
        assert session.run(command, parse, b"1 nowhere")[1].startswith(b"a1 NO [TRYCREATE] ")


def test_move_tells_copyuid_and_then_the_expunges():
    session = inbox([], [], [])
    validity = session.mail.indexes[session.mail.target].row.uid_validity
    out, tagged = session.run(move, parse_move, b"1:2 Trash", uid=True)
    assert out == b"* OK [COPYUID %d 1:2 1:2] Moved\r\n* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n" % validity
    assert tagged == b"a1 OK Moved\r\n"
    assert list(session.mail.indexes[1].uids) == [3]


def test_of_two_sessions_that_move_a_message_one_gets_it():
    first = inbox([])
    second = selecting(first.mail)
    assert b"COPYUID" in first.run(move, parse_move, b"1 Trash")[0]
    for command, parse in ((copy, parse_copy), (move, parse_move)):  # by a number that is not there any more
        assert second.run(command, parse, b"1 Trash") == (
            b"",
            b"a1 NO [EXPUNGEISSUED] Some of the messages are expunged\r\n",
        )
    out, tagged = second.run(move, parse_move, b"1 Trash", uid=True)
    assert b"COPYUID" not in out + tagged
    assert b"* 1 EXPUNGE\r\n" in out
    assert len(first.mail.indexes[first.mail.target].uids) == 1


def test_expunge():
    session = inbox(["\\Deleted"], [], ["\\Deleted"], ["\\Deleted"])
    assert session.run(expunge, parse_expunge, b"4", uid=True) == (b"* 4 EXPUNGE\r\n", b"a1 OK Expunged\r\n")
    assert session.run(expunge, parse_expunge, b"") == (b"* 1 EXPUNGE\r\n* 2 EXPUNGE\r\n", b"a1 OK Expunged\r\n")
    assert session.run(expunge, parse_expunge, b"") == (b"", b"a1 OK Expunged\r\n")


def test_expunge_takes_nothing_that_the_client_has_not_heard_of():
    session = inbox(["\\Deleted"])
    session.mail.add(MESSAGE, ["\\Deleted"])
    out, _ = session.run(expunge, parse_expunge, b"")
    assert out == b"* 1 EXPUNGE\r\n* 1 EXISTS\r\n* 1 RECENT\r\n"
    assert list(session.mail.indexes[1].uids) == [2]


def test_condstore_clients_are_told_the_modseq():
    session = inbox(["\\Deleted"], condstore=True)
    assert session.run(expunge, parse_expunge, b"")[1] == (
        b"a1 OK [HIGHESTMODSEQ %d] Expunged\r\n" % session.mail.modseq
    )


def test_examine_loses_nothing():
    session = inbox(["\\Deleted"], read_only=True)
    assert session.run(expunge, parse_expunge, b"")[1].startswith(b"a1 NO ")
    assert session.run(move, parse_move, b"1 Trash")[1].startswith(b"a1 NO ")
    assert list(session.mail.indexes[1].uids) == [1]
