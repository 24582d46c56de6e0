"""The verbs on suspended accounts and suppressed addresses."""

import pytest

from mailserverd.accounts.administration import VerbRefused
from mailserverd.assembly.admin_verbs import directory_verbs
from mailserverd.assembly.reputation_verbs import ReputationVerbs, register_reputation
from mailserverd.model.identifiers import AccountId
from mailserverd.model.reputation import Reason
from mailserverd.queue.classification import Kind
from mailserverd.queue.suppression import SuppressionList, SuppressionSettings
from mailserverd.queue.suspension import Suspensions, SuspensionSettings
from tests.accounts.doubles import drive
from tests.accounts.verb_stage import VerbStage
from tests.queue.reputation_double import Stores
from tests.queue.test_suspension import Telling

ANNA, BOB = "anna@example.org", "bob@elsewhere.example"
NOW = 1_800_000_000


class Stage:
    def __init__(self) -> None:
        stage, stores = VerbStage("example.org"), Stores()
        self.telling = Telling()
        self.suspensions = Suspensions(
            stores.reputation, stores.counts, lambda: SuspensionSettings(100, 10, 0.3), self.telling
        )
        self.suppression = SuppressionList(stores.reputation, lambda: SuppressionSettings(5, 180), lambda _: False)
        self.verbs = directory_verbs(stage.administration)
        self.counts = stores.counts
        group = ReputationVerbs(
            stage.directory,
            self.suspensions,
            self.suppression,
            stores.counts,
            self.verbs.registered("account show"),
            self.verbs.registered("account remove"),
            lambda: NOW,
        )
        register_reputation(self.verbs, group)
        self.call("account add", address=ANNA)

    def call(self, verb: str, **arguments: object):
        return drive(self.verbs.call(verb, arguments))


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_suspended_account_is_shown_and_resumed_by_one_command(stage: Stage) -> None:
    assert stage.call("account show", address=ANNA)["suspended"] is None
    drive(stage.suspensions.settled(AccountId(1), 100, 11, NOW))
    why = "of 100 recipients in 24 hours 11 bounced, more than 10 %"
    assert stage.call("account show", address=ANNA)["suspended"] == {"since": NOW, "why": why, "by": "rates"}
    assert stage.call("account resume", address="Anna@Example.org") == {"address": ANNA, "resumed": True}
    assert stage.call("account resume", address=ANNA) == {"address": ANNA, "resumed": False}
    assert stage.call("account show", address=ANNA)["suspended"] is None


def test_an_account_is_suspended_by_hand_and_told(stage: Stage) -> None:
    assert stage.call("account suspend", address=ANNA, why="stolen\r\npassword")["why"] == "stolen password"
    assert stage.telling.told == ["stolen password"]
    assert stage.call("account suspend", address=ANNA, why="again")["why"] == "stolen password", "it is already"
    with pytest.raises(VerbRefused, match="nobody"):
        stage.call("account suspend", address="nobody@example.org")


def test_the_list_says_why_until_when_and_for_whose_mail(stage: Stage) -> None:
    drive(stage.suppression.bounced(BOB, Kind.HARD, "550 5.1.1 no such user", NOW))
    stage.call("suppression add", address=BOB, account=ANNA, mail_class="bulk", why="asked by phone", days=1)
    rows = stage.call("suppression list")["rows"]
    assert rows[0] == {
        "address": BOB,
        "reason": "hard_bounce",
        "since": NOW,
        "expires": NOW + 180 * 86_400,
        "account": None,
        "class": "",
        "allowed": False,
        "detail": "550 5.1.1 no such user",
    }
    assert [rows[1][each] for each in ("reason", "expires", "account", "class")] == [
        "by_hand",
        NOW + 86_400,
        ANNA,
        "bulk",
    ]
    stage.call("account remove", address=ANNA)
    assert stage.call("suppression list", address=BOB)["rows"][1]["account"] == "account 1, which is gone"


def test_what_is_known_of_an_account_goes_with_it(stage: Stage) -> None:
    drive(stage.counts.know(AccountId(1), [BOB], NOW))
    stage.call("account suspend", address=ANNA)
    assert stage.call("account remove", address=ANNA) == {"removed": ANNA}
    assert drive(stage.suspensions.of(AccountId(1))) is None
    assert drive(stage.counts.strangers(AccountId(1), [BOB])) == [BOB]
    with pytest.raises(VerbRefused, match=ANNA):
        stage.call("account remove", address=ANNA)


def test_an_override_and_the_way_off_the_list(stage: Stage) -> None:
    stage.call("suppression add", address="Bob@Elsewhere.example")
    assert drive(stage.suppression.of(BOB, AccountId(1), [], NOW)).reason is Reason.BY_HAND
    stage.call("suppression add", address=BOB, allow=True)
    assert drive(stage.suppression.of(BOB, AccountId(1), [], NOW)) is None
    assert stage.call("suppression remove", address=BOB) == {"address": BOB, "removed": 1}
    with pytest.raises(VerbRefused, match="not on the suppression list"):
        stage.call("suppression remove", address=BOB)


def test_pages(stage: Stage) -> None:
    for name in "abc":
        stage.call("suppression add", address=f"{name}@x.example")
    first = stage.call("suppression list", limit=2)
    second = stage.call("suppression list", limit=2, after=first["after"])
    assert [row["address"][0] for row in first["rows"] + second["rows"]] == ["a", "b", "c"]
    assert second["after"] == ""


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"address": "no address"}, "not an address"),
        ({"address": BOB, "days": -1}, "number of days"),
        ({"address": BOB, "mail_class": "bulk"}, "name the account"),
        ({"address": BOB, "account": "nobody@example.org"}, "nobody"),
    ],
)
def test_what_is_refused(stage: Stage, arguments: dict[str, object], why: str) -> None:
    with pytest.raises(VerbRefused, match=why):
        stage.call("suppression add", **arguments)
    with pytest.raises(VerbRefused, match="cursor"):
        stage.call("suppression list", after="x")
