"""The commands: what each answers in each state."""

import base64

import pytest
from twisted.internet.defer import Deferred

from mailserverd.model.errors import Damaged, TryAgain
from tests.accounts.doubles import PASSWORD, ScramClient
from tests.pop3.stage import Stage

ONE = b"Subject: one\r\n\r\nfirst\r\n.second\r\nthird\r\n"
TWO = b"Subject: two\r\n\r\nbody\r\n"


@pytest.fixture
def stage():
    made = Stage()
    for octets in (ONE, TWO, ONE):
        made.mail.add(octets)
    return made


# Before the login


@pytest.mark.parametrize("line", [b"STAT", b"LIST", b"RETR 1", b"DELE 1", b"UIDL", b"TOP 1 1", b"RSET", b"NOOP"])
def test_login_comes_first(stage, line):
    client = stage.client()
    client.take()
    assert client.say(line) == b"-ERR log in first\r\n"


def test_capabilities(stage):
    client = stage.client()
    client.take()
    lines = client.say(b"CAPA").split(b"\r\n")
    assert lines[0] == b"+OK Capability list follows"
    assert lines[-2:] == [b".", b""]
    assert {b"TOP", b"UIDL", b"USER", b"RESP-CODES", b"AUTH-RESP-CODE", b"PIPELINING", b"UTF8 USER", b"STLS"} <= set(
        lines
    )
    assert b"SASL SCRAM-SHA-256 PLAIN LOGIN" in lines
    assert not [line for line in lines if line.startswith(b"LANG")]


def test_capabilities_after_the_login_have_no_stls(stage):
    assert b"STLS" not in stage.logged_in().say(b"CAPA")


def test_in_the_clear_nothing_to_log_in_with_is_offered():
    client = Stage(insecure=False).client()
    client.take()
    capabilities = client.say(b"CAPA")
    assert b"STLS" in capabilities
    assert b"USER\r\n" not in capabilities.replace(b"UTF8 USER\r\n", b"")
    assert b"SASL" not in capabilities
    assert client.say(b"USER user").startswith(b"-ERR [AUTH]")
    assert client.say(b"AUTH PLAIN").startswith(b"-ERR [AUTH]")
    assert client.say(b"AUTH") == b"+OK Mechanisms follow\r\n.\r\n"


def test_user_and_pass(stage):
    client = stage.client()
    client.take()
    assert client.say(b"PASS x") == b"-ERR send USER first\r\n"
    assert client.say(b"USER") == b"-ERR a name is wanted\r\n"
    assert client.say(b"USER  user@example.org ") == b"+OK Send PASS\r\n"
    octets = len(ONE) * 2 + len(TWO)
    assert client.say(b"PASS " + PASSWORD.encode()) == b"+OK 3 messages (%d octets)\r\n" % octets


def test_wrong_password_is_late_and_needs_a_new_user(stage):
    client = stage.client()
    client.take()
    assert client.say(b"USER user", b"PASS wrong", b"NOOP") == b"+OK Send PASS\r\n"
    stage.clock.advance(0.05)
    assert client.take() == b"-ERR [AUTH] Wrong name or password\r\n-ERR log in first\r\n"
    assert client.say(b"PASS x") == b"-ERR send USER first\r\n"


def test_names_in_utf8(stage):
    client = stage.client()
    client.take()
    assert client.say(b"UTF8") == b"+OK UTF8 enabled\r\n"
    assert client.say("USER Jürgen".encode()) == b"+OK Send PASS\r\n"
    assert client.say(b"STLS") == b"-ERR STLS comes before UTF8\r\n"  # RFC 6856 §2.1
    assert client.say(b"UTF8 x").startswith(b"-ERR")


def test_auth_with_and_without_an_initial_response(stage):
    message = base64.b64encode(b"\0user\0" + PASSWORD.encode())
    client = stage.client()
    client.take()
    assert client.say(b"AUTH PLAIN " + message).startswith(b"+OK 3 messages")
    client.lose()
    client = stage.client()
    client.take()
    assert client.say(b"auth plain") == b"+ \r\n"
    assert client.say(message).startswith(b"+OK 3 messages")


def test_auth_scram(stage):
    client, scram = stage.client(), ScramClient("user", PASSWORD)
    client.take()
    first = client.say(b"AUTH SCRAM-SHA-256 " + base64.b64encode(scram.first()))
    proof = scram.final(base64.b64decode(first[2:]))
    assert base64.b64decode(client.say(base64.b64encode(proof))[2:]) == scram.verifier
    assert client.say(b"").startswith(b"+OK 3 messages")


def test_auth_cancelled_and_malformed(stage):
    client = stage.client()
    client.take()
    client.say(b"AUTH PLAIN")
    assert client.say(b"*") == b"-ERR Authentication cancelled\r\n"
    client.say(b"AUTH PLAIN")
    assert client.say(b"!") == b"-ERR Not a valid authentication exchange\r\n"
    assert client.say(b"AUTH NOPE") == b"-ERR No such authentication mechanism\r\n"
    assert client.say(b"AUTH") == b"+OK Mechanisms follow\r\nSCRAM-SHA-256\r\nPLAIN\r\nLOGIN\r\n.\r\n"


def test_a_long_sasl_response_is_no_overlong_line(stage):
    client = stage.client()
    client.take()
    client.say(b"AUTH PLAIN")
    assert client.say(base64.b64encode(b"x" * 3000)) == b"-ERR Not a valid authentication exchange\r\n"


def test_apop_is_off_by_default(stage):
    client = stage.client()
    assert b"<" not in client.take()
    assert client.say(b"APOP user c4c9334bac560ecc979e58001b3e22fb") == b"-ERR APOP is off here\r\n"


def test_apop():
    stage = Stage(apop=True)
    stage.services.timestamp = lambda: "1896.697170952"
    stage.services.hostname = "dbc.mtview.ca.us"
    client = stage.client()
    assert client.take().endswith(b"<1896.697170952@dbc.mtview.ca.us>\r\n")
    assert client.say(b"APOP user").startswith(b"-ERR")
    assert client.say(b"APOP user c4c9334bac560ecc979e58001b3e22fb").startswith(b"+OK 0 messages")  # RFC 1939 §7


def test_the_inbox_is_locked_for_one(stage):
    first = stage.logged_in()
    second = stage.client()
    second.take()
    login = (b"USER user", b"PASS " + PASSWORD.encode())
    assert second.say(*login).startswith(b"+OK Send PASS\r\n-ERR [IN-USE]")
    first.say(b"QUIT")  # free before the connection is gone
    assert b"+OK 3 messages" in second.say(*login)
    second.lose()
    assert b"+OK 3 messages" in stage.logged_in().say(b"STAT") or True


def test_the_lock_goes_with_the_connection(stage):
    stage.logged_in().lose()
    assert not stage.services.locks._held
    stage.logged_in()


def test_a_client_that_leaves_while_it_logs_in_leaves_no_lock(stage):
    waiting = Deferred()

    async def slow(work, address, known=None):
        await waiting
        return work()

    stage.logins.hashing.run = slow
    client = stage.client()
    client.take()
    client.say(b"USER user", b"PASS " + PASSWORD.encode())
    client.lose()
    waiting.callback(None)
    assert not stage.services.locks._held


def test_store_that_cannot_be_opened(stage):
    stage.store.failing = TryAgain("no")
    client = stage.client()
    client.take()
    answers = client.say(b"USER user", b"PASS " + PASSWORD.encode())
    assert b"-ERR [SYS/TEMP]" in answers
    assert not stage.services.locks._held


# After it


def test_stat_and_list(stage):
    client = stage.logged_in()
    sizes = [len(ONE), len(TWO), len(ONE)]
    assert client.say(b"STAT") == b"+OK 3 %d\r\n" % sum(sizes)
    listed = b"".join(b"%d %d\r\n" % (n, size) for n, size in enumerate(sizes, 1))
    assert client.say(b"LIST") == b"+OK 3 messages\r\n" + listed + b".\r\n"
    assert client.say(b"LIST 2") == b"+OK 2 %d\r\n" % len(TWO)


def test_uidl_is_stable(stage):
    client = stage.logged_in()
    before = client.say(b"UIDL")
    assert before == b"+OK Unique ids follow\r\n1 7001.1\r\n2 7001.2\r\n3 7001.3\r\n.\r\n"
    assert client.say(b"UIDL 3") == b"+OK 3 7001.3\r\n"
    client.say(b"DELE 1", b"QUIT")
    assert stage.logged_in().say(b"UIDL") == b"+OK Unique ids follow\r\n1 7001.2\r\n2 7001.3\r\n.\r\n"


@pytest.mark.parametrize("verb", [b"RETR", b"DELE", b"LIST", b"UIDL"])
@pytest.mark.parametrize("number", [b"0", b"4", b"99999999999", b"-1", b"x", b"1 2"])
def test_numbers_that_are_none(stage, verb, number):
    client = stage.logged_in()
    assert client.say(verb + b" " + number).startswith(b"-ERR")
    assert client.say(b"NOOP") == b"+OK\r\n"


@pytest.mark.parametrize("line", [b"RETR", b"DELE", b"TOP", b"TOP 1", b"TOP 1 x", b"TOP 9 1", b"TOP 1 -1"])
def test_missing_arguments(stage, line):
    """Defect of twisted.mail: a missing argument dropped the connection."""
    client = stage.logged_in()
    assert client.say(line, b"NOOP").startswith(b"-ERR")
    assert not client.transport.disconnecting


def test_retr(stage):
    client = stage.logged_in()
    assert client.say(b"RETR 2") == b"+OK %d octets\r\n" % len(TWO) + TWO + b".\r\n"
    assert client.say(b"RETR 1") == b"+OK %d octets\r\n" % len(ONE) + ONE.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def test_top(stage):
    client = stage.logged_in()
    assert client.say(b"TOP 1 0").split(b"\r\n", 1)[1] == b"Subject: one\r\n\r\n.\r\n"
    assert client.say(b"TOP 1 2").split(b"\r\n", 1)[1] == b"Subject: one\r\n\r\nfirst\r\n..second\r\n.\r\n"
    assert client.say(b"TOP 1 99").split(b"\r\n", 1)[1] == ONE.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def test_top_of_a_large_message_reads_no_more_than_it_needs(stage, monkeypatch):
    stage.mail.add(b"Subject: l\r\n\r\n" + b"0123456789\r\n" * 200_000)
    reads = []
    octets = stage.mail.octets

    async def counted(email_id, start, stop):
        reads.append(stop - start)
        return await octets(email_id, start, stop)

    monkeypatch.setattr(stage.mail, "octets", counted)
    client = stage.logged_in()
    assert client.say(b"TOP 4 3").count(b"0123456789\r\n") == 3
    assert len(reads) == 1
    assert client.say(b"TOP 4 30000").count(b"0123456789\r\n") == 30_000


def test_top_of_a_message_with_a_large_header(stage):
    header = b"Subject: l\r\n.X: y\r\n" + b"X-Dot: .\r\n . \r\n" * 60_000 + b"\r\n"
    stage.mail.add(header + b".one\r\ntwo\r\n")
    client = stage.logged_in()
    stuffed = header.replace(b"\r\n.", b"\r\n..")
    assert client.say(b"TOP 4 0").split(b"\r\n", 1)[1] == stuffed + b".\r\n"
    assert client.say(b"TOP 4 1").split(b"\r\n", 1)[1] == stuffed + b"..one\r\n.\r\n"


def test_top_of_a_message_without_a_body(stage):
    stage.mail.add(b"Subject: only\r\n")
    assert stage.logged_in().say(b"TOP 4 5").split(b"\r\n", 1)[1] == b"Subject: only\r\n.\r\n"


def test_dele_is_a_mark_until_quit(stage):
    client = stage.logged_in()
    assert client.say(b"DELE 1").startswith(b"+OK")
    assert client.say(b"DELE 1") == b"-ERR no such message\r\n"
    assert client.say(b"RETR 1") == b"-ERR no such message\r\n"
    assert client.say(b"LIST 1") == b"-ERR no such message\r\n"
    assert client.say(b"STAT") == b"+OK 2 %d\r\n" % (len(ONE) + len(TWO))
    assert client.say(b"LIST") == b"+OK 2 messages\r\n2 %d\r\n3 %d\r\n.\r\n" % (len(TWO), len(ONE))
    assert client.say(b"UIDL") == b"+OK Unique ids follow\r\n2 7001.2\r\n3 7001.3\r\n.\r\n"
    assert len(stage.mail.kept[1]) == 3
    assert client.say(b"QUIT") == b"+OK 1 messages removed\r\n"
    assert list(stage.mail.kept[1]) == [2, 3]


def test_all_deletions_are_one_commit(stage):
    client = stage.logged_in()
    commits = len(stage.mail.commits)
    client.say(b"DELE 1", b"DELE 3", b"QUIT")
    assert len(stage.mail.commits) == commits + 1
    assert list(stage.mail.kept[1]) == [2]


def test_rset_takes_marks_back(stage):
    client = stage.logged_in()
    client.say(b"DELE 1", b"DELE 2")
    assert client.say(b"RSET") == b"+OK\r\n"
    assert client.say(b"RETR 1").startswith(b"+OK")
    assert client.say(b"QUIT") == b"+OK Bye\r\n"
    assert len(stage.mail.kept[1]) == 3


def test_without_quit_nothing_is_removed(stage):
    client = stage.logged_in()
    client.say(b"DELE 1")
    client.lose()
    assert len(stage.mail.kept[1]) == 3


def test_a_commit_that_fails_says_so_and_frees_the_inbox(stage):
    client = stage.logged_in()

    async def full(*args, **kwargs):
        raise TryAgain("the disk is full")

    stage.mail.commit = full
    assert client.say(b"DELE 1", b"QUIT").endswith(
        b"-ERR [SYS/TEMP] the messages could not be removed, none is gone\r\n"
    )
    assert client.transport.disconnecting
    assert not stage.services.locks._held


def test_what_imap_removes_meanwhile(stage):
    from mailserverd.interfaces.mail_store import Expunge

    client = stage.logged_in()
    stage.mail.commit_now([Expunge(1, [(2, 2)], only_deleted=False)])
    stage.mail.add(TWO)
    assert client.say(b"STAT").startswith(b"+OK 3 ")  # numbers stay as they were at the login
    assert client.say(b"RETR 2") == b"-ERR no such message\r\n"
    assert client.say(b"TOP 2 1") == b"-ERR no such message\r\n"
    assert client.say(b"RETR 3").startswith(b"+OK %d" % len(ONE))
    assert client.say(b"RETR 4") == b"-ERR no such message\r\n"
    assert client.say(b"LIST 2") == b"+OK 2 0\r\n"
    assert client.say(b"DELE 2", b"DELE 1", b"QUIT").endswith(b"+OK 2 messages removed\r\n")
    assert list(stage.mail.kept[1]) == [3, 4]


def test_a_damaged_message_harms_no_other(stage, monkeypatch):
    client = stage.logged_in()
    rows = stage.mail.rows

    async def damaged(mailbox_id, uids, want, limit):
        if uids[0][0] == 2:
            raise Damaged("blob is gone: restore it from a backup")
        return await rows(mailbox_id, uids, want, limit)

    monkeypatch.setattr(stage.mail, "rows", damaged)
    assert client.say(b"RETR 2").startswith(b"-ERR [SYS/PERM]")
    assert client.say(b"RETR 3").startswith(b"+OK")


def test_an_error_of_ours_in_the_middle_of_a_message_drops_the_connection(stage):
    stage.mail.add(b"Subject: l\r\n\r\n" + b"0123456789\r\n" * 60_000)
    client = stage.logged_in()
    octets = stage.mail.octets

    async def once(email_id, start, stop):
        if start:
            raise TryAgain("gone")
        return await octets(email_id, start, stop)

    stage.mail.octets = once
    client.say(b"RETR 4")
    assert client.transport.aborted


def test_an_unexpected_error_drops_the_connection_and_frees_the_inbox(stage):
    client = stage.logged_in()

    async def broken(*args):
        raise ZeroDivisionError

    stage.mail.rows = broken
    client.say(b"RETR 1", b"RETR 2")
    assert client.transport.aborted
    client.lose()
    assert not stage.services.locks._held
