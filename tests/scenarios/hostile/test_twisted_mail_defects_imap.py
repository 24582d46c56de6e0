"""What was found wrong in twisted.mail's IMAP server, each tried against ours: one test a numbered defect.

Standing rule: the number in a test's name is that of the list of defects (IMAP 1 to 10); test_defects.py holds the
list and says that none is missing.
"""

import re
import time
from collections.abc import Iterator

import pytest

from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.hostile.memory import rss_anon
from tests.scenarios.server import MailServer

USER, PASSWORD = "anna@example.org", 'pass"wo\\rd'
TWICE = (
    b"From: Anna <a@b.test>\r\nX-Twice: one\r\nSubject: Gr\xc3\xbc\xc3\x9fe caf\xc3\xa9\r\nx-TWICE: two\r\n"
    b"Date: Mon, 2 Feb 2026 10:00:00 +0000\r\n\r\nbody needle\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    settings = {"login": {"insecure_login_networks": ["127.0.0.0/8"]}}
    with MailServer(tmp_path_factory.mktemp("imap"), {USER: PASSWORD}, settings) as running:
        yield running


@pytest.fixture
def talk(server: MailServer) -> Iterator[Conversation]:
    """Logged in, with the mailbox of the test's own selected, in which TWICE is message 1."""
    with Conversation(server, "imap") as found:
        found.until(b"* OK")
        found.ask(b'a LOGIN anna "pass\\"wo\\\\rd"', b"a OK")
        name = b"box%d" % time.monotonic_ns()
        found.ask(b"a CREATE " + name, b"a OK")
        found.ask(b"a APPEND %b {%d+}\r\n%b" % (name, len(TWICE), TWICE), b"a OK")
        found.ask(b"a SELECT " + name, b"a OK")
        yield found


def answer(talk: Conversation, command: bytes, end: bytes = b"a OK") -> bytes:
    talk.send(b"a ", command, b"\r\n")
    return b"\r\n".join(talk.until(end)) + b"\r\n"


def test_imap_1_nothing_from_before_starttls_is_run_inside_tls(server: MailServer) -> None:
    with Conversation(server, "imap") as talk:
        talk.until(b"* OK")
        talk.send(b"a STARTTLS\r\nb NOOP\r\nc LOGIN anna x\r\n")
        talk.until(b"a OK")
        talk.start_tls()
        talk.send(b"d NOOP\r\n")
        assert [line[:5] for line in talk.until(b"d ")] == [b"d OK "]


def test_imap_2_pipelined_commands_are_run_in_order(talk: Conversation) -> None:
    name = b"order%d" % time.monotonic_ns()
    talk.send(
        b"1 CREATE %b\r\n2 APPEND %b {3+}\r\nabc\r\n3 SELECT %b\r\n4 FETCH 1 (UID)\r\n" % (name, name, name),
        b"5 STORE 1 +FLAGS (\\Deleted)\r\n6 EXPUNGE\r\n7 CLOSE\r\n8 DELETE %b\r\n9 NOOP\r\n" % name,
    )
    lines = talk.until(b"9 ")
    assert [line[:4] for line in lines if line[:1] in b"123456789"] == [b"%d OK" % number for number in range(1, 10)]
    assert b"* 1 FETCH (UID 1)" in lines


def test_imap_3_a_partial_fetch_gives_those_octets_and_sets_seen(talk: Conversation) -> None:
    said = answer(talk, b"FETCH 1 (BODY[]<0.10>)")
    assert b"BODY[]<0> {10}\r\nFrom: Anna" in said
    assert b"\\Seen" in answer(talk, b"FETCH 1 (FLAGS)")
    assert b"BODY[]<5> {4}\r\n Ann" in answer(talk, b"FETCH 1 (BODY.PEEK[]<5.4>)")
    assert b"BODY[]<9999> {0}\r\n)" in answer(talk, b"FETCH 1 (BODY.PEEK[]<9999.4>)")


def test_imap_4_header_fields_as_they_came(talk: Conversation) -> None:
    wanted = b"X-Twice: one\r\nSubject: Gr\xc3\xbc\xc3\x9fe caf\xc3\xa9\r\nx-TWICE: two\r\n\r\n"
    said = answer(talk, b"FETCH 1 (BODY.PEEK[HEADER.FIELDS (x-twice SUBJECT)])")
    assert b"{%d}\r\n%b" % (len(wanted), wanted) in said
    said = answer(talk, b"FETCH 1 (BODY.PEEK[] RFC822.SIZE)")
    assert b"{%d}\r\n%b" % (len(TWICE), TWICE) in said
    assert b"RFC822.SIZE %d" % len(TWICE) in said


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (b"SUBJECT gr\xc3\xbc\xc3\x9fe", True),
        (b"ON 2-Feb-2026", False),
        (b"SENTON 2-Feb-2026", True),
        (b"CHARSET UTF-8 SUBJECT {5+}\r\ncaf\xc3\xa9", True),
        (b"TEXT x-twice", True),
        (b"BODY needle", True),
        (b"BODY x-twice", False),
        (b"KEYWORD $Word", True),
        (b"KEYWORD $Other", False),
        (b"UNKEYWORD $Word", False),
    ],
)
def test_imap_5_search_answers_each_key(talk: Conversation, keys: bytes, found: bool) -> None:
    answer(talk, b"STORE 1 +FLAGS ($Word)")
    said = answer(talk, b"SEARCH " + keys)
    assert said.startswith(b"* SEARCH 1\r\n" if found else b"* SEARCH\r\n")


def test_imap_5_search_reads_literals_and_refuses_unknown_charsets(talk: Conversation) -> None:
    talk.ask(b"a SEARCH TEXT {6}", b"+ ")
    assert talk.ask(b"needle", b"* SEARCH") == b"* SEARCH 1"
    talk.until(b"a OK")
    talk.ask(b"a SEARCH CHARSET X-NONE TEXT a", b"a NO [BADCHARSET")


def test_imap_6_select_tells_all_and_missing_mailboxes_are_refused(talk: Conversation) -> None:
    said = answer(talk, b"SELECT INBOX")
    for part in (b" EXISTS", b"* FLAGS (", b"[PERMANENTFLAGS (", b"[UIDNEXT ", b"[UIDVALIDITY ", b"[HIGHESTMODSEQ "):
        assert part in said
    name = b"unseen%d" % time.monotonic_ns()
    answer(talk, b"CREATE %b/under" % name)
    answer(talk, b"APPEND %b/under {3+}\r\nabc" % name)
    assert b"[UNSEEN 1]" in answer(talk, b"SELECT %b/under" % name)
    answer(talk, b"DELETE " + name, b"a ")
    answer(talk, b"SELECT nowhere", b"a NO [NONEXISTENT]")
    answer(talk, b"APPEND nowhere {3+}\r\nabc", b"a NO [TRYCREATE]")
    answer(talk, b"SELECT %b/under" % name)
    answer(talk, b"COPY 1 nowhere", b"a NO [TRYCREATE]")


def test_imap_7_quoting_stars_unknown_items_and_the_end_of_idle(server: MailServer, talk: Conversation) -> None:
    answer(talk, b'CREATE "My Box"', b"a ")
    assert answer(talk, b'STATUS "My Box" (MESSAGES)').startswith(b'* STATUS "My Box" (MESSAGES ')
    assert answer(talk, b"FETCH *:* (UID)").startswith(b"* 1 FETCH (UID 1)")
    answer(talk, b"FETCH 1 (NONSENSE)", b"a BAD")
    assert not any("Traceback" in line or "SERVERBUG" in line for line in server.output)
    talk.ask(b"a IDLE", b"+ ")
    assert talk.ask(b"b NOOP", b"a ", b"b ").startswith(b"a BAD")


def test_imap_8_namespace_cancelled_logins_and_status_of_another_mailbox(
    server: MailServer, talk: Conversation
) -> None:
    said = answer(talk, b"NAMESPACE")
    assert re.match(rb'\* NAMESPACE \(\("" "/"\)\) (NIL|\(.*?\)) (NIL|\(.*?\))\r\na OK', said)
    answer(talk, b"STATUS INBOX (MESSAGES)")
    assert b"UID 1" in answer(talk, b"FETCH 1 (UID)")  # still in its own mailbox
    with Conversation(server, "imap") as other:
        other.until(b"* OK")
        other.ask(b"a AUTHENTICATE PLAIN", b"+ ")
        other.ask(b"*", b"a BAD")
        other.ask(b"a NOOP", b"a OK")


def test_imap_9_many_messages_are_answered_and_a_client_that_does_not_read_costs_nothing(
    server: MailServer, talk: Conversation
) -> None:
    name = b"many%d" % time.monotonic_ns()
    answer(talk, b"CREATE " + name)
    text = b"Subject: many\r\n\r\n" + b"x" * 20_000
    for _ in range(5):
        talk.send(b"b APPEND %b {%d+}\r\n%b\r\n" % (name, len(text), text) * 100)
        for _ in range(100):
            talk.until(b"b OK")
    answer(talk, b"SELECT " + name)
    began = time.monotonic()
    assert answer(talk, b"FETCH 1:* (FLAGS ENVELOPE)").count(b" FETCH (") == 500
    assert time.monotonic() - began < 3
    before = rss_anon(server.pid)
    talk.send(b"c FETCH 1:* (%b)\r\n" % b" ".join([b"BODY.PEEK[]"] * 20))  # 200 MB that nobody reads
    with Conversation(server, "imap") as other:
        other.until(b"* OK")
        other.ask(b'a LOGIN anna "pass\\"wo\\\\rd"', b"a OK")
        for _ in range(300):
            other.ask(b"a NOOP", b"a OK")
    assert rss_anon(server.pid) - before < 16 << 20


@pytest.mark.parametrize(
    "command",
    [
        b"UID FETCH "
        + b",".join(b"%d" % number for number in range(2, 20_000, 2))[:60_000].rpartition(b",")[0]
        + b" (UID)",
        b"FETCH 1 " + b"(" * 60_000,
        b"SEARCH " + b"(" * 30_000 + b"ALL" + b")" * 30_000,
        b"LIST " + b"(" * 60_000,
        b'LIST "" "' + b"*%" * 30_000 + b'"',
    ],
)
def test_imap_10_long_sets_and_deep_nesting_take_no_time(talk: Conversation, command: bytes) -> None:
    began = time.monotonic()
    answer(talk, command, b"a ")
    answer(talk, b"NOOP")
    assert time.monotonic() - began < 1


def test_imap_10_many_lines_in_one_piece_take_no_time(talk: Conversation) -> None:
    began = time.monotonic()
    talk.send(b"b NOOP\r\n" * 5000, b"c NOOP\r\n")
    talk.until(b"c OK")
    assert time.monotonic() - began < 3


def test_literals_that_are_no_literals(talk: Conversation) -> None:
    answer(talk, b"APPEND INBOX {-5}", b"a BAD")
    answer(talk, b"APPEND INBOX {99999999999}", b"a NO [TOOBIG]")
    answer(talk, b"APPEND INBOX {99999999999999999999999999}", b"a BAD")
