"""What a running server tells about itself: numbers that move, a health page that admits it, trails and log lines."""

import imaplib
import json
import poplib
import re
import resource
import smtplib
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.scenarios.server import MailServer, until

ALICE = "alice@example.org"
PASSWORD = "correct horse"
LOCAL = {"login": {"insecure_login_networks": ["127.0.0.0/8"]}}


def metrics(server: MailServer) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port('metrics')}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name.removeprefix("mailserverd_"): float(value) for name, _, value in pairs}


def health(server: MailServer) -> tuple[int, dict[str, str]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port('metrics')}/health") as answer:
            return answer.status, json.load(answer).get("problems", {})
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["problems"]


def send(server: MailServer, message_id: str, octets: int = 10) -> None:
    with smtplib.SMTP("127.0.0.1", server.port("smtp")) as client:
        message = f"Message-ID: <{message_id}>\r\nSubject: x\r\n\r\n{'x' * octets}\r\n"
        client.sendmail("bob@elsewhere.test", [ALICE], message)


def logged(server: MailServer, pattern: str) -> re.Match[str]:
    """The line of the log that fits, once it is there."""
    found: list[re.Match[str]] = []

    def looked() -> bool:
        found[:] = filter(None, (re.search(pattern, line) for line in list(server.output)))
        return bool(found)

    until(looked)
    return found[0]


@contextmanager
def reading(server: MailServer) -> Iterator[imaplib.IMAP4]:
    client = imaplib.IMAP4("127.0.0.1", server.port("imap"))
    client.login(ALICE, PASSWORD)
    yield client
    client.logout()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    with MailServer(tmp_path, accounts={ALICE: PASSWORD}, settings=LOCAL) as made:
        yield made


def test_the_numbers_move_with_the_work(server: MailServer) -> None:
    before = metrics(server)
    send(server, "1@x")
    with smtplib.SMTP("127.0.0.1", server.port("smtp")) as refused:
        refused.ehlo()
        refused.mail("bob@elsewhere.test")
        refused.rcpt(ALICE)
        refused.docmd("DATA")
        refused.send(b"a bare line\nend\r\n.\r\n")
        assert refused.getreply()[0] == 554
    with reading(server) as client:
        client.append("INBOX", "", "", b"Message-ID: <3@x>\r\n\r\n")
        client.select()
        during = metrics(server)
        client.fetch("1:*", "(ENVELOPE)")
    pop = poplib.POP3("127.0.0.1", server.port("pop3"))
    pop.user(ALICE)
    with pytest.raises(poplib.error_proto):
        pop.pass_("wrong")
    pop.close()
    until(lambda: metrics(server)["reactor_delay_seconds_count"] > before["reactor_delay_seconds_count"])
    after = metrics(server)
    rose = {name: value - before.get(name, 0.0) for name, value in after.items()}
    for listener, count in (("smtp", 2), ("imap", 1), ("pop3", 1)):
        assert rose[f'connections_accepted_total{{listener="{listener}"}}'] == count
    assert during['connections_open{listener="imap"}'] == 1
    assert rose['deliveries_total{door="smtp",outcome="delivered"}'] == 1
    assert rose['deliveries_total{door="smtp",outcome="refused"}'] == 1
    assert rose['deliveries_total{door="imap",outcome="delivered"}'] == 1
    assert rose['logins_total{outcome="ok",protocol="imap"}'] == 1
    assert rose['logins_total{outcome="failed",protocol="pop3"}'] == 1
    for protocol, verb in (("smtp", "RCPT"), ("smtp", "DATA"), ("imap", "FETCH"), ("pop3", "PASS")):
        assert rose[f'command_seconds_count{{protocol="{protocol}",verb="{verb}"}}'] >= 1
        assert rose[f'command_seconds_sum{{protocol="{protocol}",verb="{verb}"}}'] > 0
    assert rose["commit_seconds_count"] >= 2
    assert rose["commit_messages_sum"] >= 2
    assert rose['log_events_total{level="info"}'] > 5


def test_a_session_and_a_message_can_be_followed_by_their_ids(server: MailServer) -> None:
    send(server, "followed@x")
    session, queue_id = logged(server, r"message received session=(\S+) queue_id=(\S+) message_id=followed@x").groups()
    logged(server, f"disconnected session={session} ")
    logged(server, f" connected session={session} listener=smtp")
    with reading(server) as client:
        client.select()
        assert queue_id.encode() in client.fetch("1", "(BODY[HEADER])")[1][0][1]
        client.append("Sent", "", "", b"Message-ID: <mine@x>\r\n\r\n")
    session = logged(
        server, r"message appended session=(\S+) message_id=mine@x account=alice@example.org where=Sent/1"
    )[1]
    logged(server, f"disconnected session={session} ")
    logged(server, f" connected session={session} listener=imap")
    logged(server, f"logged in session={session} .*mechanism=LOGIN")


def test_the_trail_of_a_message_by_its_message_id(server: MailServer) -> None:
    send(server, "trail@x")
    with reading(server) as client:
        client.append("Drafts", "", "", b"Message-ID: <draft@x>\r\n\r\n")
    until(lambda: len(trail(server, "<trail@x>")) == 2)
    received, delivered = trail(server, "trail@x")
    assert (received["event"], received["door"], received["sender"]) == ("received", "smtp", "bob@elsewhere.test")
    assert (delivered["event"], delivered["to"], delivered["where"]) == ("delivered", ALICE, "INBOX/1")
    assert trail(server, str(received["queue_id"])) == [received, delivered]
    until(lambda: trail(server, "draft@x"))
    (appended,) = trail(server, "draft@x")
    assert (appended["event"], appended["to"], appended["where"]) == ("appended", ALICE, "Drafts/1")
    text = server.cli("trace", "trail@x").stdout
    assert re.match(r"\d{4}-\d\d-\d\dT\S+Z  received  .*\n.*  delivered  .*to=alice@example.org where=INBOX/1", text)


def trail(server: MailServer, wanted: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(server.cli("trace", "--json", wanted).stdout)
    return found


def test_a_store_that_cannot_write_is_not_healthy_until_it_can(server: MailServer) -> None:
    """No file may grow: what a full disk is to the store."""
    send(server, "before@x")
    limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(server, "during@x", octets=20000)
    assert refused.value.smtp_code // 10 == 45
    status, problems = health(server)
    assert status == 503
    assert "store" in problems
    ended = server.cli("status", check=False)
    assert (ended.returncode, "health: failing" in ended.stdout) == (1, True)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)
    send(server, "after@x", octets=20000)
    assert health(server) == (200, {})
    with reading(server) as client:
        assert client.select()[1] == [b"2"]


def test_while_it_stops_it_says_so_and_takes_nobody_new(server: MailServer) -> None:
    """A client that reads nothing of a long answer holds the end up for a moment; the others are told at once."""
    send(server, "long@x", octets=8_000_000)
    with ExitStack() as stack:
        slow, imap, smtp, pop3 = (
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port(name))))
            for name in ("imap", "imap", "smtp", "pop3")
        )
        readers = [stack.enter_context(each.makefile("rb")) for each in (imap, smtp, pop3)]
        assert [each.readline()[:4] for each in readers] == [b"* OK", b"220 ", b"+OK "]
        slow.sendall(f'a LOGIN {ALICE} "{PASSWORD}"\r\nb SELECT INBOX\r\nc FETCH 1 (BODY[])\r\n'.encode())
        until(lambda: metrics(server)['command_seconds_count{protocol="imap",verb="SELECT"}'] == 1)
        assert server.process is not None
        server.process.terminate()
        assert [each.readline()[:5] for each in readers] == [b"* BYE", b"421 4", b"-ERR "]
        assert health(server) == (503, {"server": "stopping"})
        for listener in ("smtp", "submissions", "lmtp", "imap", "pop3"):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", server.port(listener)))
    assert server.stop() == -15
    assert [line for line in server.output if line.endswith(" stopped\n")] == server.output[-1:]
