import pytest

from mailserverd.imap.commands import search
from mailserverd.interfaces.mail_store import Expunge
from mailserverd.mailstore.find_limits import SearchLimits
from mailserverd.model.errors import LimitReached
from mailserverd.model.identifiers import email_id_text, thread_id_text
from mailserverd.wire.imap.command.search import parse_search
from mailserverd.wire.imap.syntax_error import BadSyntax
from tests.imap.fake_session import selecting
from tests.mailstore.memory_mail import MemoryMail

DAY = 86_400
ONE = (
    b"From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= one\r\n"
    b"Date: Fri, 2 Jan 1970 23:30:00 -0800\r\nX-Empty:\r\n\r\nThe quick fox\r\n"
)
TWO = (
    b"From: bob@example.org\r\nCc: ann@example.org\r\nBcc: eve@example.org\r\nSubject: two\r\n"
    b"Date: Sun, 4 Jan 1970 00:30:00 +0900\r\n\r\nlazy dogs caf\xc3\xa9\r\n"
)
THREE = b"Subject: three\r\n\r\n" + b"x" * 300_000 + b" Needle\r\n"


def inbox():
    mail = MemoryMail()
    mail.add(ONE, ["\\Seen", "$Own"], date=0)
    mail.add(TWO, ["\\Flagged"], date=DAY + 60)
    mail.add(THREE, ["\\Deleted"], date=2 * DAY - 60, offset=120)
    return selecting(mail)


def ask(session, text, uid=False):
    return session.run(search, parse_search, text, uid=uid)[0]


KEYS = [
    ("ALL", "1 2 3"),
    ("2:*", "2 3"),
    ("UID 7", ""),
    ("UID 1,3", "1 3"),
    ("SEEN", "1"),
    ("UNSEEN", "2 3"),
    ("KEYWORD $own", "1"),
    ("UNKEYWORD $own", "2 3"),
    ("KEYWORD unheard", ""),
    ("UNKEYWORD unheard", "1 2 3"),
    ("FLAGGED", "2"),
    ("UNDELETED", "1 2"),
    ("ANSWERED", ""),
    ("UNDRAFT UNANSWERED", "1 2 3"),
    ("RECENT", "1 2 3"),
    ("OLD", ""),
    ("NEW", "2 3"),
    ("NOT SEEN", "2 3"),
    ("OR SEEN FLAGGED", "1 2"),
    ("OR SEEN SUBJECT three", "1 3"),
    ("NOT (OR SEEN SUBJECT three)", "2"),
    ("FROM ann", "1"),
    ("TO BOB", "1"),
    ("CC ann", "2"),
    ("BCC eve", "2"),
    ("SUBJECT {7}\r\ngr\xc3\xbcsse", "1"),
    ("SUBJECT GR\xc3\x9cSSE", "1"),
    ("SUBJECT utf-8", ""),  # encoded words are decoded before they are compared
    ('HEADER X-Empty ""', "1"),
    ("HEADER x-none x", ""),
    ("BODY QUICK", "1"),
    ("BODY needle", "3"),
    ("BODY bob", ""),
    ("TEXT bob", "1 2"),
    ("BODY cafe", ""),
    ("BODY CAF\xc3\x89", "2"),
    ("NOT BODY fox", "2 3"),
    ("NOT TEXT lazy SMALLER 1000", "1"),
    ("LARGER 1000", "3"),
    ("SMALLER 1000", "1 2"),
    ("BEFORE 2-Jan-1970", "1"),
    ("ON 2-Jan-1970", "2"),
    ("SINCE 3-Jan-1970", "3"),
    ("SENTON 2-Jan-1970", "1"),
    ("SENTSINCE 4-Jan-1970", "2"),
    ("SENTBEFORE 4-Jan-1970", "1 3"),
    ("MODSEQ 999999999", ""),
    ("EMAILID " + email_id_text((2).to_bytes(16, "big")).decode(), "2"),
    ("THREADID " + thread_id_text(b"T" * 16).decode(), "1 2 3"),
    ("EMAILID nothing", ""),
    ("CHARSET UTF-8 SUBJECT two", "2"),
]


@pytest.mark.parametrize("keys", [b"4", b"2:9", b"NOT 4", b"OR SEEN 1,7"])
def test_numbers_beyond_the_last_message(keys):
    with pytest.raises(BadSyntax):  # RFC 9051 §9, seq-number
        ask(inbox(), keys)


def test_all_of_an_empty_mailbox():
    assert ask(selecting(), b"1:*") == ask(selecting(), b"*", uid=True) == b"* SEARCH\r\n"
    with pytest.raises(BadSyntax):
        ask(selecting(), b"1")


@pytest.mark.parametrize(("keys", "numbers"), KEYS)
def test_each_key(keys, numbers):
    expected = f"* SEARCH {numbers}".rstrip() + "\r\n"
    assert ask(inbox(), keys.encode("latin-1")) == expected.encode()


def test_uid_search_and_modseq():
    session = inbox()
    session.mail.commit_now([Expunge(1, [(1, 1)], only_deleted=False)])
    assert ask(session, b"UNSEEN") == b"* SEARCH 2 3\r\n"  # the client still counts the first
    session.selected.pending_updates()
    assert ask(session, b"UNSEEN") == b"* SEARCH 1 2\r\n"
    assert ask(session, b"FROM bob", uid=True) == b"* SEARCH 2\r\n"
    highest = max(session.mail.indexes[1].modseqs)
    assert ask(session, b"MODSEQ 1") == b"* SEARCH 1 2 (MODSEQ %d)\r\n" % highest
    assert session.condstore


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (b"RETURN (MIN MAX COUNT ALL) UNSEEN", b'* ESEARCH (TAG "a1") MIN 2 MAX 3 ALL 2:3 COUNT 2\r\n'),
        (b"RETURN () ALL", b'* ESEARCH (TAG "a1") ALL 1:3\r\n'),
        (b"RETURN (COUNT MIN ALL) ANSWERED", b'* ESEARCH (TAG "a1") COUNT 0\r\n'),
        (b"RETURN (ALL) ANSWERED", b'* ESEARCH (TAG "a1")\r\n'),
    ],
)
def test_esearch(text, answer):
    assert ask(inbox(), text) == answer


def test_esearch_with_modseq():
    session = inbox()
    one, _, three = session.mail.indexes[1].modseqs
    assert ask(session, b"RETURN (MIN) MODSEQ 1", uid=True) == b'* ESEARCH (TAG "a1") UID MIN 1 MODSEQ %d\r\n' % one
    assert ask(session, b"RETURN (MIN COUNT) MODSEQ 1").endswith(b"COUNT 3 MODSEQ %d\r\n" % three)


def test_other_sessions_have_their_turn_during_a_scan():
    mail = MemoryMail()
    for _ in range(600):
        mail.add(ONE)
    session = selecting(mail)
    assert ask(session, b"SUBJECT nothing") == b"* SEARCH\r\n"
    assert session.drains >= 3


def test_too_many_texts_are_refused():
    session = inbox()
    session.search_limits = SearchLimits(2, 60)
    assert ask(session, b"TEXT fox BODY quick SUBJECT one") == b"* SEARCH 1\r\n"
    with pytest.raises(LimitReached):
        ask(session, b"TEXT fox OR BODY quick NOT TEXT one")
