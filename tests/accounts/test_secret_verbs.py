import pytest
from twisted.internet.defer import Deferred

from mailserverd.accounts import secret_verbs
from mailserverd.accounts.administration import VerbRefused
from mailserverd.accounts.passwords import matching_label
from mailserverd.model.errors import AlreadyExists, NotFound
from tests.accounts.doubles import drive
from tests.accounts.verb_stage import VerbStage

ANNA = "anna@example.org"


@pytest.fixture
def stage():
    made = VerbStage("example.org")
    drive(made.account.add(ANNA, "old"))
    return made


def stored(stage):
    return drive(stage.directory.credentials(1))


def test_password(stage):
    drive(stage.secret.password("Anna@example.org", "new"))
    assert matching_label("new", stored(stage)) == ""
    assert matching_label("old", stored(stage)) is None
    assert stored(stage).generation == 2


def test_first_password_of_an_account_without_one(stage):
    drive(stage.account.add("bob@example.org"))
    drive(stage.secret.password("bob@example.org", "pw"))
    assert matching_label("pw", drive(stage.directory.credentials(2))) == ""


@pytest.mark.parametrize("password", ["", "a\nb", "x" * 2000])
def test_impossible_passwords(stage, password):
    with pytest.raises(VerbRefused):
        drive(stage.secret.password(ANNA, password))


def test_app_passwords(stage):
    made = drive(stage.secret.app_password_add(ANNA, " phone "))
    assert matching_label(made["password"], stored(stage)) == "phone"
    assert matching_label("old", stored(stage)) == ""
    assert len({stored(stage).scram_salt}) == 1
    listed = drive(stage.secret.app_password_list(ANNA))
    assert listed == [{"label": "phone", "created_at": 1_700_000_000, "last_used_at": None}]
    drive(stage.secret.app_password_remove(ANNA, "phone"))
    assert matching_label(made["password"], stored(stage)) is None
    assert drive(stage.secret.app_password_list(ANNA)) == []


def test_changing_the_password_keeps_app_passwords(stage):
    made = drive(stage.secret.app_password_add(ANNA, "phone"))
    drive(stage.secret.password(ANNA, "new"))
    assert matching_label(made["password"], stored(stage)) == "phone"


def test_app_passwords_that_are_refused(stage, monkeypatch):
    drive(stage.secret.app_password_add(ANNA, "phone"))
    with pytest.raises(AlreadyExists):
        drive(stage.secret.app_password_add(ANNA, "phone"))
    for label in ("", " ", "x" * 65, "a\nb"):
        with pytest.raises(VerbRefused):
            drive(stage.secret.app_password_add(ANNA, label))
    monkeypatch.setattr(secret_verbs, "MAX_APP_PASSWORDS", 1)
    with pytest.raises(VerbRefused):
        drive(stage.secret.app_password_add(ANNA, "tablet"))
    for label in ("tablet", ""):
        with pytest.raises(NotFound):
            drive(stage.secret.app_password_remove(ANNA, label))
    with pytest.raises(NotFound):
        drive(stage.secret.app_password_add("nobody@example.org", "phone"))


def test_two_changes_at_once_both_count(stage):
    """The second meets the first's generation (Conflict) and is done on top of it."""
    gates = [Deferred(), Deferred()]

    async def slow(work, address, known=None):
        await gates.pop(0)
        return work()

    first_gate, second_gate = gates
    stage.hashing.run = slow
    first = Deferred.fromCoroutine(stage.secret.app_password_add(ANNA, "phone"))
    second = Deferred.fromCoroutine(stage.secret.app_password_add(ANNA, "tablet"))
    second_gate.callback(None)
    first_gate.callback(None)
    assert {each.label for each in stored(stage).secrets} == {"", "phone", "tablet"}
    assert matching_label(first.result["password"], stored(stage)) == "phone"
    assert matching_label(second.result["password"], stored(stage)) == "tablet"
    assert stored(stage).generation == 3


def test_apop_secret(stage):
    assert drive(stage.secret.apop_secret(ANNA, "tanstaaf")) == {"address": ANNA, "apop": True}
    assert stored(stage).apop_secret == "tanstaaf"
    assert matching_label("old", stored(stage)) == ""
    assert drive(stage.secret.apop_secret(ANNA)) == {"address": ANNA, "apop": False}
    assert stored(stage).apop_secret == ""
