import re

import pytest

from mailserverd.accounts.administration import VerbRefused
from mailserverd.model.errors import AlreadyExists, LimitReached, NotFound
from tests.accounts.doubles import drive
from tests.accounts.verb_stage import VerbStage


@pytest.fixture
def stage():
    made = VerbStage("example.org", "second.example")
    for name in ("anna@example.org", "bob@example.org"):
        drive(made.account.add(name))
    return made


def test_add_list_show_set_remove(stage):
    made = drive(stage.alias.add("Sales@example.org", ("Anna@example.org", "bob@example.org", "anna@example.org")))
    assert made == {"address": "sales@example.org", "targets": ["anna@example.org", "bob@example.org"]}
    drive(stage.alias.add("x@second.example", ("sales@example.org",)))
    assert [each["address"] for each in drive(stage.alias.list())] == ["sales@example.org", "x@second.example"]
    assert [each["address"] for each in drive(stage.alias.list("second.example"))] == ["x@second.example"]
    assert drive(stage.alias.set("sales@example.org", ("bob@example.org",)))["targets"] == ["bob@example.org"]
    assert drive(stage.alias.show("SALES@example.org"))["targets"] == ["bob@example.org"]
    drive(stage.alias.remove("x@second.example"))
    with pytest.raises(NotFound):
        drive(stage.alias.show("x@second.example"))


def test_targets_elsewhere_are_forwarded_to(stage):
    made = drive(stage.alias.add("sales@example.org", ("Friend@Elsewhere.example", "anna@example.org")))
    assert made["targets"] == ["friend@elsewhere.example", "anna@example.org"]
    with pytest.raises(VerbRefused):
        drive(stage.alias.add("more@example.org", ("friend@",)))


def test_what_is_refused(stage):
    drive(stage.alias.add("sales@example.org", ("anna@example.org",)))
    for call, error in (
        (stage.alias.add("sales@example.org", ("bob@example.org",)), AlreadyExists),
        (stage.alias.add("anna@example.org", ("bob@example.org",)), AlreadyExists),
        (stage.alias.add("x@example.org", ("nobody@example.org",)), NotFound),
        (stage.alias.add("x@elsewhere.example", ("anna@example.org",)), NotFound),
        (stage.alias.add("x y@example.org", ("anna@example.org",)), VerbRefused),
        (stage.alias.add("x@example.org", ()), VerbRefused),
        (stage.alias.set("sales@example.org", ("sales@example.org",)), LimitReached),
        (stage.alias.set("nobody@example.org", ("anna@example.org",)), NotFound),
    ):
        with pytest.raises(error):
            drive(call)


def test_nothing_is_removed_under_what_leads_to_it(stage):
    drive(stage.alias.add("sales@example.org", ("anna@example.org",)))
    drive(stage.alias.add("all@example.org", ("sales@example.org",)))
    with pytest.raises(LimitReached, match=re.escape("all@example.org leads to sales@example.org")):
        drive(stage.alias.remove("sales@example.org"))
    with pytest.raises(LimitReached, match=re.escape("sales@example.org leads to anna@example.org")):
        drive(stage.account.remove("anna@example.org"))
    drive(stage.domain.set("example.org", catch_all="bob@example.org"))
    with pytest.raises(LimitReached, match=re.escape("catch-all of example.org")):
        drive(stage.account.remove("bob@example.org"))
