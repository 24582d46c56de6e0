"""The real process: pools, return paths, unsubscribing, complaints, suppression, caps and suspension, from outside."""

import imaplib
import json
import smtplib
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.nameserver.server import Nameserver
from tests.nameserver.zones import Zones
from tests.scenarios.outbound.peer import Peer, Session, Taken
from tests.scenarios.server import MailServer, free_port, until
from tests.wire.arf.test_feedback import REPORT
from tests.wire.dsn.test_incoming import POSTFIX

ANNA, BULK, ROOT = "anna@example.org", "bulk@example.org", "root@example.org"
SECRET = "secret of all"
POOLS = """
[outbound.pools.news]
addresses = ["127.0.0.5", "127.0.0.6"]
warm_up_addresses = ["127.0.0.6"]
warm_up_per_day = [3]
[outbound.classes.news]
pool = "news"
verp = true
unsubscribe = true
"""
MESSAGE = "From: {sender}\r\nTo: x@a.example\r\nSubject: hello\r\n\r\ntext\r\n"


class World:
    """Our server, a nameserver, and the MX of a.example and b.example."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.peer = Peer("127.0.0.3", port)
        self.nameserver = Nameserver(
            Zones("a.example MX 10 mx.a.example", "b.example MX 10 mx.a.example", "mx.a.example A 127.0.0.3")
        )
        settings = {
            "dns": {"nameservers": [self.nameserver.address]},
            "server": {"postmaster": ROOT},
            "unsubscribe": {"enabled": True, "addresses": [f"127.0.0.1:{free_port()}"]},
            "outbound": {
                "remote_port": port,
                "retry_seconds": [2, 2],
                "account_messages_per_hour": 40,
                "account_new_recipients_per_day": 35,
                "minimum_recipients": 20,
                "suspend_complaint_percent": 50.0,
            },
        }
        self.server = MailServer(folder, {ANNA: SECRET, BULK: SECRET, ROOT: SECRET}, settings)
        with self.server.config_path.open("a") as config:
            config.write(POOLS)

    def session(self, login: str) -> smtplib.SMTP:
        context = ssl.create_default_context(cafile=str(self.server.folder / "tls/certificate.pem"))
        context.check_hostname = False
        client = smtplib.SMTP("127.0.0.1", self.server.port("submission"), timeout=20)
        client.starttls(context=context)
        client.login(login, SECRET)
        return client

    def submit(self, sender: str, *recipients: str, mail_class: str = "") -> None:
        named = f"X-Mail-Class: {mail_class}\r\n" if mail_class else ""
        with self.session(sender) as client:
            client.sendmail(sender, list(recipients), (named + MESSAGE.format(sender=sender)).encode())

    def receive(self, sender: str, recipient: str, message: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self.server.port("smtp"), timeout=20) as client:
            client.sendmail(sender, [recipient], message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    def inbox(self, login: str) -> list[bytes]:
        context = ssl.create_default_context(cafile=str(self.server.folder / "tls/certificate.pem"))
        context.check_hostname = False
        with imaplib.IMAP4_SSL("127.0.0.1", self.server.port("imaps"), ssl_context=context, timeout=20) as client:
            client.login(login, SECRET)
            client.select("INBOX", readonly=True)
            numbers = client.search(None, "ALL")[1][0].split()
            return [client.fetch(each.decode(), "(BODY.PEEK[])")[1][0][1] for each in numbers]

    def taken(self, recipient: str, count: int = 1) -> Taken:
        until(lambda: len(self.peer.taken_by(recipient)) >= count)
        return self.peer.taken_by(recipient)[count - 1]

    def cli(self, *arguments: str) -> Any:
        return json.loads(self.server.cli(*arguments, "--json").stdout)

    def suppressed(self) -> dict[str, str]:
        return {row["address"]: row["reason"] for row in self.cli("suppression", "list")}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("reputation"))
    with made.nameserver, made.peer, made.server:
        made.server.start()
        made.server.cli("account", "set", BULK, "--class", "news")
        yield made


@pytest.fixture(autouse=True)
def good_again(world: World) -> Iterator[None]:
    yield
    world.peer.answer = lambda verb, argument, session: None


def test_a_class_goes_out_by_its_pool_the_new_address_first(world: World) -> None:
    hosts = []
    for n in range(5):
        world.submit(BULK, f"pool{n}@a.example")
        hosts.append(world.taken(f"pool{n}@a.example").host)
    assert hosts == ["127.0.0.6"] * 3 + ["127.0.0.5"] * 2
    world.submit(ANNA, "plain@a.example")
    assert world.taken("plain@a.example").host == "127.0.0.1"
    assert world.taken("plain@a.example").sender == ANNA


def test_a_bounce_that_comes_back_suppresses_and_reaches_the_sender(world: World) -> None:
    world.submit(BULK, "late@a.example")
    path = world.taken("late@a.example").sender
    assert path.startswith("bounce-")
    assert path.endswith("@example.org")
    world.receive("", path.upper(), POSTFIX)
    assert world.suppressed()["late@a.example"] == "hard_bounce"
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        world.submit(ANNA, "Late@A.example")
    [(code, text)] = refused.value.recipients.values()
    assert (code, text) == (550, b"5.7.1 suppressed: mail to this address bounced")
    world.server.cli("suppression", "remove", "late@a.example")
    world.submit(ANNA, "late@a.example")


def test_a_forged_return_path_is_no_mailbox(world: World) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        world.receive("", "bounce-000-0-aaaaaaaaaaaa@example.org", POSTFIX)


def test_unsubscribing_by_mail_ends_this_class_alone(world: World) -> None:
    world.submit(BULK, "reader@b.example")
    head = world.taken("reader@b.example").octets.decode().partition("\r\n\r\n")[0]
    address, _, subject = head.partition("<mailto:")[2].partition(">")[0].partition("?subject=")
    world.receive("reader@b.example", address, f"Subject: {subject}\r\n\r\n".encode())
    assert world.suppressed()["reader@b.example"] == "unsubscribed"
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        world.submit(BULK, "reader@b.example")
    world.submit(ANNA, "reader@b.example")
    world.taken("reader@b.example", 2)


def test_one_click_unsubscribes_and_looking_at_the_link_does_not(world: World) -> None:
    world.submit(BULK, "clicker@b.example")
    octets = world.taken("clicker@b.example").octets
    head = octets.decode().partition("\r\n\r\n")[0]
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in head
    link = head.partition("List-Unsubscribe: <")[2].partition(">")[0]
    assert link.startswith("https://mail.example.org:")
    context = ssl.create_default_context(cafile=str(world.server.folder / "tls/certificate.pem"))
    context.check_hostname = False
    here = link.replace("mail.example.org", "127.0.0.1")
    with urllib.request.urlopen(here, context=context, timeout=20) as looked:
        assert b"<button>" in looked.read()
    assert "clicker@b.example" not in world.suppressed()
    with urllib.request.urlopen(here, b"List-Unsubscribe=One-Click", context=context, timeout=20) as clicked:
        assert clicked.status == 200
    assert world.suppressed()["clicker@b.example"] == "unsubscribed"


def test_a_complaint_suppresses_for_the_account_that_sent_it(world: World) -> None:
    world.submit(BULK, "angry@a.example")
    path = world.taken("angry@a.example").sender.encode()
    world.receive("fbl@provider.example", ROOT, REPORT.replace(b"bounce-000q1-0-abc@example.net", path))
    assert world.suppressed()["angry@a.example"] == "complaint"
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        world.submit(BULK, "angry@a.example")
    world.submit(ANNA, "angry@a.example")


def test_caps_say_exactly_what_they_are_also_after_a_restart(world: World) -> None:
    with world.session(ROOT) as client:
        many = [f"many{n}@a.example" for n in range(36)]
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail(ROOT, many, MESSAGE.format(sender=ROOT))
        said = (550, b"5.7.1 you may write to 35 new recipients a day, and these are 36")
        assert (refused.value.smtp_code, refused.value.smtp_error) == said
        for _ in range(40):
            client.sendmail(ROOT, ["one@a.example"], MESSAGE.format(sender=ROOT))
    world.server.kill()
    world.server.start()
    with pytest.raises(smtplib.SMTPRecipientsRefused) as later:
        world.submit(ROOT, "one@a.example")
    [(code, text)] = later.value.recipients.values()
    assert code == 450 or code == 451
    assert text == b"4.7.1 you may send 40 messages an hour to other servers; try again later"


def test_an_account_that_bounces_too_much_is_suspended_told_and_resumed(world: World) -> None:
    def answer(verb: str, argument: str, session: Session) -> str | None:
        return "550 5.1.1 no such user" if verb == "RCPT" and "<bad" in argument else None

    world.peer.answer = answer
    assert world.cli("account", "show", BULK)["suspended"] is None
    for n in range(14):
        world.submit(BULK, f"bad{n}@b.example" if n % 3 == 0 else f"good{n}@b.example")
    until(lambda: world.cli("account", "show", BULK)["suspended"] is not None)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        world.submit(BULK, "good@b.example")
    [(code, text)] = refused.value.recipients.values()
    assert code == 550
    assert text.startswith(b"5.7.1 your account is suspended from sending: of 2")
    for login in (BULK, ROOT):
        until(lambda login=login: any(b"Subject: Account suspended" in each for each in world.inbox(login)))
    world.server.cli("account", "resume", BULK)
    world.submit(BULK, "good@b.example")
    world.taken("good@b.example")
