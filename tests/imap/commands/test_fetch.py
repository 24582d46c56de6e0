import pytest

from mailserverd.imap.commands import fetch
from mailserverd.imap.fetch_plan import Plan
from mailserverd.interfaces.mail_store import Expunge
from mailserverd.model.identifiers import email_id_text, thread_id_text
from mailserverd.wire.imap.command.fetch import parse_fetch
from mailserverd.wire.imap.syntax_error import BadSyntax
from tests.imap.fake_session import selecting
from tests.mailstore.memory_mail import MemoryMail, drive
from tests.wire.imap.slow_dates import format_date_time

HEADER = b"From: a@b.c\r\nSubject: one\r\n two\r\nX-Own: 1\r\n\r\n"
MESSAGE = HEADER + b"line\r\n"
DATE = 837_000_000


def inbox(*messages, **view):
    mail = MemoryMail()
    for octets in messages:
        mail.add(octets, date=DATE, offset=-330)
    return selecting(mail, **view)


def ask(session, text, uid=False):
    return session.run(fetch, parse_fetch, text, uid=uid)


def test_the_plain_items():
    session = inbox(MESSAGE)
    out, tagged = ask(session, b"1 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE EMAILID THREADID)")
    ids = (email_id_text((1).to_bytes(16, "big")), thread_id_text(b"T" * 16))
    assert out == (
        b"* 1 FETCH (UID 1 FLAGS (\\Recent) INTERNALDATE %b RFC822.SIZE %d "
        b'ENVELOPE (NIL "subject" NIL NIL NIL NIL NIL NIL NIL NIL) EMAILID (%b) THREADID (%b))\r\n'
        % (format_date_time(DATE, -330), len(MESSAGE), *ids)
    )
    assert tagged == b"a1 OK Fetched\r\n"


def test_uid_fetch_tells_the_uid_and_passes_over_what_is_not_there():
    session = inbox(MESSAGE, MESSAGE)
    assert ask(session, b"2:9 FLAGS", uid=True)[0] == b"* 2 FETCH (FLAGS (\\Recent) UID 2)\r\n"
    assert ask(session, b"7 FLAGS", uid=True) == (b"", b"a1 OK Fetched\r\n")
    with pytest.raises(BadSyntax):
        ask(session, b"3 FLAGS")


def test_a_body_is_given_back_octet_for_octet_and_seen_is_told_with_it():
    octets = HEADER + bytes(range(256)) + b"\r\nno end"
    session = inbox(octets)
    out, _ = ask(session, b"1 BODY[]")
    assert out == b"* 1 FETCH (FLAGS (\\Seen \\Recent) BODY[] {%d}\r\n%b)\r\n" % (len(octets), octets)
    assert session.selected.pending_updates() == b""
    out, _ = ask(session, b"1 RFC822")
    assert out == b"* 1 FETCH (RFC822 {%d}\r\n%b)\r\n" % (len(octets), octets)


@pytest.mark.parametrize("read_only", [False, True])
def test_peek_and_examine_leave_the_flags_alone(read_only):
    session = inbox(MESSAGE, read_only=read_only)
    ask(session, b"1 BODY[]" if read_only else b"1 (BODY.PEEK[] RFC822.HEADER)")
    assert list(session.mail.indexes[1].masks) == [0]


@pytest.mark.parametrize(
    ("item", "answer"),
    [
        (b"BODY.PEEK[HEADER]", HEADER),
        (b"BODY.PEEK[TEXT]", b"line\r\n"),
        (b"BODY.PEEK[HEADER.FIELDS (SUBJECT x-own)]", b"Subject: one\r\n two\r\nX-Own: 1\r\n\r\n"),
        (b"BODY.PEEK[HEADER.FIELDS.NOT (Subject)]", b"From: a@b.c\r\nX-Own: 1\r\n\r\n"),
        (b"BODY.PEEK[]<3.5>", MESSAGE[3:8]),
        (b"BODY.PEEK[TEXT]<4.100>", b"\r\n"),
        (b"BODY.PEEK[]<9999.1>", b""),
    ],
)
def test_sections(item, answer):
    out, _ = ask(inbox(MESSAGE), b"1 " + item)
    label = item.replace(b".PEEK", b"")
    if b"<" in label:
        label = label.partition(b".")[0] + b">"
    assert out == b"* 1 FETCH (%b {%d}\r\n%b)\r\n" % (label, len(answer), answer)


@pytest.mark.parametrize(
    "items",
    [
        b"(UID BODY[HEADER.FIELDS (Subject X-Own)] FLAGS)",
        b"(BODY.PEEK[HEADER] BODY.PEEK[HEADER.FIELDS.NOT (from)]<4.9> RFC822.SIZE)",
        b'BODY.PEEK[HEADER.FIELDS ("%d" "X-%s" "%%")]<0.1000>',
        b"(RFC822.HEADER MODSEQ)",
    ],
)
def test_header_sections_written_at_once_read_as_one_by_one(items, monkeypatch):
    messages = [MESSAGE, b"X-%s: 1\r\nTo: b\r\n\r\n", b"\r\nno header", b"Subject: no body\r\n"]
    together = ask(inbox(*messages), b"1:* " + items)
    monkeypatch.setattr(Plan, "is_whole", lambda self, rows: False)
    assert ask(inbox(*messages), b"1:* " + items) == together
    assert together[0].count(b" FETCH (") == 4


def test_a_message_too_large_for_a_row_goes_out_in_pieces():
    octets = HEADER + b"x" * 700_000
    session = inbox(MESSAGE, octets, MESSAGE)
    out, _ = ask(session, b"1:3 (BODY.PEEK[] UID)")
    lines = [
        b"* %d FETCH (UID %d BODY[] {%d}\r\n%b)\r\n" % (n, n, len(o), o)
        for n, o in ((1, MESSAGE), (2, octets), (3, MESSAGE))
    ]
    assert out == b"".join(lines)
    assert max(map(len, session.wire)) <= 262_144 + 1000
    out, _ = ask(session, b"2 (BODY.PEEK[TEXT]<10.20> BODY.PEEK[HEADER.FIELDS (X-Own)])")
    assert out == b"* 2 FETCH (BODY[TEXT]<10> {20}\r\n%b BODY[HEADER.FIELDS (X-Own)] {12}\r\nX-Own: 1\r\n\r\n)\r\n" % (
        b"x" * 20
    )


def test_a_literal_that_cannot_be_ended_closes_the_connection():
    session = inbox(HEADER + b"x" * 700_000)
    calls = []
    whole = session.mail.octets

    async def failing(email_id, start, stop):
        calls.append(start)
        if len(calls) > 1:
            raise OSError("unreadable")
        return await whole(email_id, start, stop)

    session.mail.octets = failing
    with pytest.raises(OSError, match="unreadable"):
        ask(session, b"1 BODY.PEEK[]")
    assert session.aborted


def test_what_cannot_be_read_at_all_is_refused_and_the_connection_lives():
    session = inbox(HEADER + b"x" * 700_000)

    async def failing(email_id, start, stop):
        raise OSError("unreadable")

    session.mail.octets = failing
    with pytest.raises(OSError, match="unreadable"):
        ask(session, b"1 BODY.PEEK[]")
    assert not session.aborted
    assert b"".join(session.wire) == b""


def test_many_messages_come_in_pages_with_turns_between():
    session = inbox(*[MESSAGE] * 600)
    out, _ = ask(session, b"1:* (UID RFC822.SIZE)")
    assert out.count(b"\r\n") == 600
    assert out.endswith(b"* 600 FETCH (UID 600 RFC822.SIZE %d)\r\n" % len(MESSAGE))
    assert session.drains >= 3
    session.mail.largest_page = 7
    assert ask(session, b"2,4:599 (UID RFC822.SIZE)")[0].count(b"FETCH") == 597


def test_what_is_expunged_but_not_told_is_left_out_and_said_so():
    session = inbox(MESSAGE, MESSAGE, MESSAGE)
    session.mail.commit_now([Expunge(1, [(2, 2)], only_deleted=False)])
    for items in (b"(UID RFC822.SIZE)", b"(UID FLAGS)", b"BODY[]"):
        out, tagged = ask(session, b"1:* " + items)
        assert out.count(b" FETCH ") == 2
        assert b"* 3 FETCH" in out
        assert tagged.startswith(b"a1 NO [EXPUNGEISSUED]")
    assert ask(session, b"1:* (UID)", uid=True)[1] == b"a1 OK Fetched\r\n"


def test_changed_since_tells_modseqs_of_what_changed():
    session = inbox(MESSAGE, MESSAGE)
    first, second = session.mail.indexes[1].modseqs
    out, _ = ask(session, b"1:* (FLAGS) (CHANGEDSINCE %d)" % first, uid=True)
    assert out == b"* 2 FETCH (FLAGS (\\Recent) UID 2 MODSEQ (%d))\r\n" % second
    assert session.condstore
    assert session.selected.condstore
    out, _ = ask(session, b"1 BODY[TEXT]")
    assert out.startswith(b"* 1 FETCH (FLAGS (\\Seen \\Recent) MODSEQ (%d) BODY[TEXT] {6}" % session.mail.modseq)


def test_stored_mail_is_never_parsed(monkeypatch):
    from mailserverd.wire.mime import headers

    session = inbox(MESSAGE, HEADER + b"x" * 300_000)

    def refuse(*args, **kwargs):
        raise AssertionError("parsed")

    monkeypatch.setattr(headers, "read_header", refuse)
    out, _ = ask(
        session, b"1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY[] BODY[HEADER] BODY[TEXT] BODY[HEADER.FIELDS (To From)])"
    )
    assert out.count(b" FETCH ") == 2


def test_drive_refuses_what_waits():
    async def done():
        return 1

    assert drive(done()) == 1
