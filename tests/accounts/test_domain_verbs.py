import pytest

from mailserverd.accounts.administration import VerbRefused
from mailserverd.model.errors import AlreadyExists, LimitReached, NotFound
from tests.accounts.doubles import drive
from tests.accounts.verb_stage import VerbStage


def test_add_list_show_remove():
    stage = VerbStage()
    assert drive(stage.domain.add(" Example.ORG "))["name"] == "example.org"
    drive(stage.domain.add("xn--bcher-kva.example"))
    assert [each["name"] for each in drive(stage.domain.list())] == ["example.org", "bücher.example"]
    assert drive(stage.domain.show("EXAMPLE.org")) == {"name": "example.org", "catch_all": None, "position": 0}
    assert drive(stage.domain.remove("example.org")) == {"removed": "example.org"}
    with pytest.raises(NotFound):
        drive(stage.domain.show("example.org"))


def test_what_is_refused():
    stage = VerbStage("example.org")
    with pytest.raises(AlreadyExists):
        drive(stage.domain.add("EXAMPLE.org"))
    with pytest.raises(VerbRefused):
        drive(stage.domain.add("not a domain"))
    with pytest.raises(VerbRefused):
        drive(stage.domain.set("example.org"))
    drive(stage.account.add("anna@example.org"))
    with pytest.raises(LimitReached):
        drive(stage.domain.remove("example.org"))


def test_catch_all_is_set_and_taken_away():
    stage = VerbStage("example.org")
    drive(stage.account.add("anna@example.org"))
    assert drive(stage.domain.set("example.org", catch_all="Anna@example.org"))["catch_all"] == "anna@example.org"
    assert drive(stage.domain.set("example.org", catch_all=""))["catch_all"] is None
    with pytest.raises(NotFound):
        drive(stage.domain.set("example.org", catch_all="nobody@example.org"))


def test_another_first_domain():
    stage = VerbStage("a.example", "b.example", "c.example")
    drive(stage.domain.set("c.example", first=True))
    drive(stage.domain.set("c.example", first=True))
    assert [each["name"] for each in drive(stage.domain.list())] == ["c.example", "a.example", "b.example"]
