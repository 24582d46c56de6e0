"""List-Unsubscribe: the fields, the link in them, and what comes back by it."""

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.config.outbound import MailClass, Outbound
from mailserverd.model.identifiers import AccountId
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State
from mailserverd.queue.parts import AsAccepted
from mailserverd.queue.personal_forms import PersonalForms, with_fields
from mailserverd.queue.unsubscribe import Unsubscribe, Unsubscription
from mailserverd.queue.verp import ReturnPaths
from tests.queue.reputation_double import run

OUTBOUND = Outbound(
    classes={
        "news": MailClass(unsubscribe=True),
        "both": MailClass(unsubscribe=True, verp=True),
        "verp": MailClass(verp=True),
    }
)
ENTRY = QueueEntry("q1", "anna@example.org", AccountId(1), "news", 0, 1_000, 10)
BOB = QueuedRecipient("q1", 0, "bob@elsewhere.example", "elsewhere.example", State.DUE, 0)


def is_local(domain: str) -> bool:
    return domain == "example.org"


def made(secret: bytes = b"s" * 32, url: str = "") -> Unsubscribe:
    return Unsubscribe(secret, lambda: OUTBOUND, is_local, lambda: url)


def test_the_mailto_form_leads_back() -> None:
    field = made().fields(ENTRY, BOB).decode()
    found = re.fullmatch(
        r"List-Unsubscribe: <mailto:(unsubscribe-[a-z2-7]{12}@example\.org)\?subject=(\S+)>\r\n", field
    )
    assert found, field
    assert made().is_address(found[1].upper())
    assert made().in_subject(found[2]) == Unsubscription(AccountId(1), "news", "bob@elsewhere.example")
    assert made().in_subject(f"Fwd: unsubscribe {found[2]}") is not None
    cut = f"{found[2][:30]} {found[2][30:]}"
    assert made().in_subject(cut) is not None, "folded on the way"


def test_one_click_stands_only_where_the_url_is_answered() -> None:
    field = made(url="https://mail.example.org/unsubscribe/").fields(ENTRY, BOB).decode()
    found = re.fullmatch(
        r"List-Unsubscribe: <https://mail\.example\.org/unsubscribe/(\S+)>,\r\n <mailto:\S+>\r\n"
        r"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        field,
    )
    assert found
    assert made().read(found[1]) == Unsubscription(AccountId(1), "news", "bob@elsewhere.example")
    assert max(map(len, field.split("\r\n"))) < 998


def test_nobody_else_can_make_a_link() -> None:
    token = made().token(Unsubscription(AccountId(1), "news", "bob@elsewhere.example"))
    assert made(b"t" * 32).read(token) is None
    assert made().read(token[:-2]) is None
    assert made().read(token[:30] + ("A" if token[30] != "A" else "B") + token[31:]) is None
    assert (
        made(b"t" * 32).is_address(made().fields(ENTRY, BOB).decode().partition("mailto:")[2].partition("?")[0])
        is False
    )


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_subject_is_answered(text: str) -> None:
    assert made().in_subject(text) is None


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**40), st.text(max_size=20), st.text(max_size=64))
def test_round_trip(account_id: int, mail_class: str, local: str) -> None:
    wanted = Unsubscription(AccountId(account_id), mail_class, f"{local}@x.example")
    assert made().read(made().token(wanted)) == wanted


def forms() -> PersonalForms:
    return PersonalForms(ReturnPaths(b"v" * 32, lambda: OUTBOUND, is_local), made(), AsAccepted())


def test_each_recipient_of_such_a_class_has_a_message_of_its_own() -> None:
    alone = {name: forms().alone(replace(ENTRY, mail_class=name)) for name in ("news", "both", "verp", "")}
    assert alone == {"news": True, "both": True, "verp": True, "": False}
    assert forms().sender(ENTRY, BOB) == "anna@example.org"
    assert forms().sender(replace(ENTRY, mail_class="both"), BOB).startswith("bounce-q1-0-")


def test_the_fields_come_below_the_trace_and_only_where_there_are_none() -> None:
    message = b"Received: from x\r\n\tby y\r\nSubject: hello\r\n\r\nList-Unsubscribe: body\r\n"
    sent = run(forms().prepare(ENTRY, [BOB], message, "8BITMIME"))
    assert sent.startswith(b"Received: from x\r\n\tby y\r\nList-Unsubscribe: <mailto:")
    assert sent.endswith(b">\r\nSubject: hello\r\n\r\nList-Unsubscribe: body\r\n")
    assert run(forms().prepare(ENTRY, [BOB], sent, "8BITMIME")) == sent
    plain = replace(ENTRY, mail_class="verp")
    assert run(forms().prepare(plain, [BOB], message, "8BITMIME")) == message


def test_fields_into_anything() -> None:
    assert with_fields(b"", b"A: b\r\n") == b"A: b\r\n"
    assert with_fields(b"Received: x", b"A: b\r\n") == b"A: b\r\nReceived: x"
    assert with_fields(b"\r\nbody", b"A: b\r\n") == b"A: b\r\n\r\nbody"
    assert with_fields(b"LIST-UNSUBSCRIBE : <x>\r\n\r\n", b"A: b\r\n") == b"LIST-UNSUBSCRIBE : <x>\r\n\r\n"
