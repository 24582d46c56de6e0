"""Which domain signs what, and that what is sent is what was signed."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import dkim
import pytest

from mailserverd.interfaces.mail_transport import CannotDowngrade
from mailserverd.model.identifiers import AccountId
from mailserverd.model.queue_entry import QueueEntry
from mailserverd.queue.signing import Signing
from mailserverd.queue.signing_domain import Keys, author_of
from mailserverd.wire.authentication.dkim import signature_fields
from tests.accounts.doubles import drive
from tests.wire.authentication.keys import Published, key

NOW = 1_795_000_000
OURS = {name: (key("rsa", name), key("ed25519", name)) for name in ("example.org", "other.example")}
DNS = Published([each for keys in OURS.values() for each in keys])
ENTRY = QueueEntry("q1", "alice@example.org", AccountId(1), "", NOW, NOW + 9, 100)
BODY = b"Received: from a by b; now\r\nFrom: Alice <alice@example.org>\r\nSubject: x\r\n\r\nHello\r\n"


class Owners:
    """Account 1 is alice@example.org and gets mail for sales@other.example."""

    async def may_send_as(self, account_id: AccountId, address: str) -> bool:
        return address.lower() in ("alice@example.org", "sales@other.example")


async def now_and_here(work: Callable[[], bytes]) -> bytes:
    return work()


class Stage:
    def __init__(self, seal: bytes = b"", cv: bytes = b"none") -> None:
        self.cv = cv
        self.sealed: list[Keys] = []
        self.runs = 0
        self._seal = seal
        self.signing = Signing(
            lambda domain: OURS.get(domain, ()),
            Owners(),
            self.chain,
            self.seal,
            lambda: "mail.example.org",
            self.run,
            lambda: NOW,
        )

    async def chain(self, message: bytes) -> bytes:
        return self.cv

    def seal(self, message: bytes, keys: Keys, cv: bytes, now: int) -> bytes:
        assert cv == self.cv
        self.sealed.append(keys)
        return self._seal

    def run(self, work: Callable[[], bytes]) -> Awaitable[bytes]:
        self.runs += 1
        return now_and_here(work)

    def prepared(self, entry: QueueEntry = ENTRY, body: bytes = BODY, form: str = "8BITMIME") -> bytes:
        return drive(self.signing.prepare(entry, [], body, form))


def domains(message: bytes) -> list[bytes]:
    """Of each signature that holds."""
    verifier, found = dkim.DKIM(message), []
    for index in range(message.count(b"DKIM-Signature:")):
        assert verifier.verify(idx=index, dnsfunc=DNS)
        found.append(verifier.domain)
    return found


def test_the_author_s_domain_signs_with_both_algorithms() -> None:
    assert domains(Stage().prepared()) == [b"example.org", b"example.org"]


@pytest.mark.parametrize(
    ("author", "sender", "signs"),
    [
        ("alice@news.example.org", "alice@example.org", b"example.org"),  # relaxed alignment
        ("Sales <sales@other.example>", "alice@example.org", b"other.example"),  # its mail reaches the account
        ("boss@other.example", "alice@example.org", b"example.org"),  # it does not
        ("someone@elsewhere.example", "alice@example.org", b"example.org"),
        ("alice@EXAMPLE.org", "bounce-1@example.org", b"example.org"),
        ("nothing at all", "alice@other.example", b"other.example"),
        ("x@deep.news.example.org", "alice@tenant.example.org", b""),
        ("boss@example.org", "tenant@tenant.example.org", b""),  # who is below does not speak for who is above
        ("tenant@tenant.example.org", "tenant@tenant.example.org", b"example.org"),
    ],
)
def test_nobody_signs_for_a_domain_that_is_not_the_sender_s(author: str, sender: str, signs: bytes) -> None:
    body = BODY.replace(b"Alice <alice@example.org>", author.encode())
    found = domains(Stage().prepared(replace(ENTRY, sender=sender), body))
    assert found == ([signs, signs] if signs else [])


def test_a_bounce_is_signed_by_the_domain_of_the_host() -> None:
    body = BODY.replace(b"alice@", b"MAILER-DAEMON@mail.")
    assert domains(Stage().prepared(replace(ENTRY, sender="", account_id=None), body)) == [b"example.org"] * 2


def test_without_keys_nothing_is_touched() -> None:
    stage = Stage()
    body = BODY.replace(b"example.org", b"elsewhere.example")
    assert stage.prepared(replace(ENTRY, sender="a@elsewhere.example"), body) is body
    assert stage.runs == 0


def test_what_others_wrote_is_sealed_and_never_signed() -> None:
    stage = Stage(b"ARC-Seal: x\r\n")
    forward = replace(ENTRY, sender="SRS0=a=b=c=d@other.example", account_id=None, forwarded=True)
    assert stage.prepared(forward) == b"ARC-Seal: x\r\n" + BODY  # though it says that it is from example.org
    assert stage.prepared(replace(forward, sender="")) == b"ARC-Seal: x\r\n" + BODY
    assert [keys[0].domain for keys in stage.sealed] == ["other.example", "example.org"]


def test_a_chain_that_is_not_to_be_made_longer_is_left() -> None:
    stage = Stage(b"ARC-Seal: x\r\n", b"")
    assert stage.prepared(replace(ENTRY, sender="", account_id=None, forwarded=True)) == BODY
    assert stage.sealed == []


def test_what_is_sent_is_what_is_signed() -> None:
    body = BODY.replace(b"Hello", "Grüße, viele an alle".encode())
    message = Stage().prepared(ENTRY, body, "7BIT")
    assert message.isascii()
    assert domains(message) == [b"example.org"] * 2
    assert domains(Stage().prepared(ENTRY, body, "8BITMIME")) == [b"example.org"] * 2


def test_a_signature_of_others_is_not_broken() -> None:
    body = BODY.replace(b"Hello", "Grüße".encode())
    signed = signature_fields(body, OURS["other.example"], NOW) + body
    with pytest.raises(CannotDowngrade, match="DKIM"):
        Stage().prepared(ENTRY, signed, "7BIT")
    with pytest.raises(CannotDowngrade):
        Stage().prepared(replace(ENTRY, sender="a@elsewhere.example"), signed.replace(b"e.org", b"e.net"), "7BIT")


def test_the_same_octets_are_signed_once() -> None:
    stage = Stage()
    first = stage.prepared()
    assert stage.prepared() == first
    assert stage.prepared(body=BODY + b"more\r\n") != first


@pytest.mark.parametrize(
    ("header", "author"),
    [
        (b"From: a@b.example, c@d.example\r\n", "a@b.example"),
        (b"FROM :\r\n =?utf-8?q?A?= <a@b.example>\r\n", "a@b.example"),
        (b"X: From: x@y\r\n From: z@z\r\n", ""),
        (b"", ""),
        (b"From: (none)\r\n", ""),
        (b"From: \xff@\xff.example\r\n", "\ufffd@\ufffd.example"),
    ],
)
def test_the_author(header: bytes, author: str) -> None:
    assert author_of(header + b"\r\nFrom: body@example\r\n") == author
