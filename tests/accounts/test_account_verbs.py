import pytest

from mailserverd.accounts.administration import VerbRefused
from mailserverd.accounts.passwords import matching_label
from mailserverd.model.errors import AlreadyExists, NotFound, TryAgain
from tests.accounts.doubles import drive
from tests.accounts.verb_stage import VerbStage


@pytest.fixture
def stage():
    return VerbStage("example.org")


def test_add_makes_the_account_and_its_mailboxes(stage):
    made = drive(stage.account.add("Anna@Example.org", "pw", "Anna", 5_000, 6_000))
    assert made == {
        "address": "anna@example.org",
        "id": 1,
        "name": "Anna",
        "disabled": False,
        "quota_bytes": 5_000,
        "max_message_bytes": 6_000,
        "mail_class": "",
        "mail_classes": [],
        "hold_seconds": 0,
        "keep_sent": False,
    }
    assert stage.mailboxes.notes == [("furnish", 1)]
    stored = drive(stage.directory.credentials(1))
    assert (stored.account_id, stored.generation) == (1, 1)
    assert matching_label("pw", stored) == ""


def test_add_without_a_password(stage):
    drive(stage.account.add("anna@example.org"))
    assert drive(stage.directory.credentials(1)) is None
    assert not drive(stage.account.show("anna@example.org"))["has_password"]


def test_add_is_refused_before_anything_is_hashed(stage):
    drive(stage.account.add("anna@example.org"))
    with pytest.raises(AlreadyExists):
        drive(stage.account.add("anna@example.org", "pw"))
    assert stage.hashing.works == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("a b@example.org",),
        ("anna",),
        ("anna@example.org", ""),
        ("anna@example.org", "nul\x00"),
        ("anna@example.org", "pw", "x" * 300),
        ("anna@example.org", "pw", "new\nline"),
        ("anna@example.org", "pw", "", -1),
    ],
)
def test_what_cannot_be_added(stage, arguments):
    with pytest.raises(VerbRefused):
        drive(stage.account.add(*arguments))
    assert drive(stage.account.list()) == []


def test_unknown_domain(stage):
    with pytest.raises(NotFound):
        drive(stage.account.add("anna@elsewhere.example", "pw"))


def test_list_by_domain(stage):
    drive(stage.domain.add("second.example"))
    for name in ("b@example.org", "a@second.example", "a@example.org"):
        drive(stage.account.add(name))
    every = [each["address"] for each in drive(stage.account.list())]
    assert every == ["a@example.org", "a@second.example", "b@example.org"]
    assert [each["address"] for each in drive(stage.account.list("SECOND.example"))] == ["a@second.example"]


def test_more_than_a_page(stage, monkeypatch):
    monkeypatch.setattr("mailserverd.accounts.account_verbs.PAGE", 2)
    for n in range(5):
        drive(stage.account.add(f"user{n}@example.org"))
    assert len(drive(stage.account.list())) == 5


def test_show(stage):
    drive(stage.account.add("anna@example.org", "pw"))
    drive(stage.secret.app_password_add("anna@example.org", "phone"))
    shown = drive(stage.account.show("ANNA@example.org"))
    assert (shown["messages"], shown["octets"]) == (3, 2048)
    assert shown["app_passwords"] == ["phone"]
    assert shown["has_password"]
    assert "argon2" not in str(shown)


def test_set_changes_what_is_given_and_nothing_else(stage):
    drive(stage.account.add("anna@example.org", None, "Anna", 5_000, 6_000))
    assert drive(stage.account.set("anna@example.org", disabled=True))["quota_bytes"] == 5_000
    changed = drive(stage.account.set("anna@example.org", name="A", quota_bytes=7, clear=("max_message",)))
    assert (changed["name"], changed["quota_bytes"], changed["max_message_bytes"]) == ("A", 7, None)
    assert changed["disabled"]
    assert drive(stage.account.set("anna@example.org", clear=("quota",)))["quota_bytes"] is None
    with pytest.raises(NotFound):
        drive(stage.account.set("bob@example.org", name="B"))


def test_remove_takes_the_mail_too(stage):
    drive(stage.account.add("anna@example.org", "pw"))
    assert drive(stage.account.remove("anna@example.org")) == {"removed": "anna@example.org"}
    assert stage.mailboxes.notes[-1] == ("remove", 1)
    assert drive(stage.account.list()) == []


def test_an_interrupted_removal_can_be_asked_for_again(stage):
    drive(stage.account.add("anna@example.org", "pw"))

    async def broken(account_id):
        raise TryAgain("the disk is full")

    remove, stage.mailboxes.remove = stage.mailboxes.remove, broken
    with pytest.raises(TryAgain):
        drive(stage.account.remove("anna@example.org"))
    assert drive(stage.account.show("anna@example.org"))["disabled"]
    stage.mailboxes.remove = remove
    drive(stage.account.remove("anna@example.org"))
