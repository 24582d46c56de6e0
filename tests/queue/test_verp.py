"""Return paths of their own: the same at every attempt, read back in any case, and made by nobody else."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.config.outbound import MailClass, Outbound
from mailserverd.model.identifiers import AccountId
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State
from mailserverd.queue.signed_address import Place, signed, unsigned
from mailserverd.queue.verp import ReturnPaths

OUTBOUND = Outbound(classes={"bulk": MailClass(verp=True), "plain": MailClass()})
ENTRY = QueueEntry("019a1b2c3d4deadbeef1f", "Anna@Example.org", AccountId(1), "bulk", 0, 1_000, 10)
BOB = QueuedRecipient(ENTRY.queue_id, 26, "bob@elsewhere.example", "elsewhere.example", State.DUE, 0)


def paths(secret: bytes = b"s" * 32) -> ReturnPaths:
    return ReturnPaths(secret, lambda: OUTBOUND, lambda domain: domain == "example.org")


def test_a_path_is_in_the_senders_domain_the_same_again_and_read_back() -> None:
    path = paths().path(ENTRY, BOB)
    assert path.startswith("bounce-019a1b2c3d4deadbeef1f-1a-")
    assert path.endswith("@Example.org")
    assert len(path.partition("@")[0]) <= 64
    assert paths().path(ENTRY, replace(BOB, attempts=7)) == path
    for each in (path, path.upper(), path.lower()):
        assert paths().place(each) == Place(ENTRY.queue_id, 26)


def test_what_was_not_made_here_is_not_ours() -> None:
    path = paths().path(ENTRY, BOB)
    assert paths(b"t" * 32).place(path) is None
    assert paths().place(path.replace("@Example.org", "@elsewhere.example")) is None
    assert paths().place(path.replace("-1a-", "-1b-")) is None
    assert paths().place(path.replace("-1a-", "-01a-")) is None
    assert paths().place("bounce@example.org") is None
    assert paths().place("anna@example.org") is None


@pytest.mark.parametrize(
    "entry",
    [
        replace(ENTRY, mail_class="plain"),
        replace(ENTRY, mail_class=""),
        replace(ENTRY, mail_class="gone"),
        replace(ENTRY, sender="", account_id=None),
        replace(ENTRY, sender="x@elsewhere.example"),
    ],
)
def test_it_applies_only_to_our_own_mail_of_such_a_class(entry: QueueEntry) -> None:
    assert paths().applies(ENTRY)
    assert not paths().applies(entry)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80) | st.from_regex(r"bounce-[0-9a-f]{1,20}-[0-9a-f]{1,9}-[a-z2-7]{12}", fullmatch=True))
def test_any_local_part_is_answered(local: str) -> None:
    assert unsigned(b"k", "bounce", local) is None
    assert paths().place(f"{local}@example.org") is None


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"[0-9a-f]{20,28}", fullmatch=True), st.integers(0, 0xFFFFF))
def test_round_trip(queue_id: str, position: int) -> None:
    local = signed(b"k", "bounce", Place(queue_id, position))
    assert len(local) <= 64
    assert unsigned(b"k", "bounce", local) == Place(queue_id, position)


def test_a_domain_of_ours_in_either_form() -> None:
    ours = ReturnPaths(b"s" * 32, lambda: OUTBOUND, lambda domain: domain == "bücher.example")
    for domain in ("bücher.example", "xn--bcher-kva.example", "XN--Bcher-kva.Example"):
        entry = replace(ENTRY, sender=f"anna@{domain}")
        assert ours.applies(entry)
        assert ours.place(ours.path(entry, BOB)) == Place(ENTRY.queue_id, 26)
