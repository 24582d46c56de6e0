import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from mailserverd.accounts.administration import VerbRefused
from mailserverd.assembly.dkim_verbs import DkimVerbs
from mailserverd.assembly.signing import same_key
from mailserverd.queue.dkim_keys import DkimKeys
from tests.accounts.doubles import drive
from tests.wire.authentication.keys import key

T = TypeVar("T")
NOW = 1_795_000_000


async def here(work: Callable[[], T]) -> T:
    return work()


@pytest.fixture
def verbs(tmp_path: Path) -> DkimVerbs:
    return DkimVerbs(DkimKeys(tmp_path), lambda domain: domain in ("example.org", "müller.example"), here, lambda: NOW)


def test_a_key_s_life(verbs: DkimVerbs) -> None:
    made = drive(verbs.create("Example.ORG"))
    assert (made["domain"], made["key"], made["state"]) == ("example.org", "20261118", "active")
    assert [each["name"].partition(".")[0] for each in made["records"]] == ["20261118-rsa", "20261118-ed25519"]
    assert "PRIVATE" not in json.dumps(made)
    assert [each["state"] for each in drive(verbs.rotate("example.org"))] == ["active", "new"]
    rows = drive(verbs.rotate("example.org", activate=True))
    assert [(each["state"], each["removable_at"]) for each in rows] == [("retiring", NOW + 7 * 86400), ("active", None)]
    assert drive(verbs.list()) == drive(verbs.list("EXAMPLE.org")) == rows
    gone = drive(verbs.retire("example.org"))
    assert gone["removed"] == ["20261118"]
    assert gone["records_to_remove"] == [each["name"] for each in made["records"]]


def test_names_are_those_of_the_dns(verbs: DkimVerbs) -> None:
    made = drive(verbs.create("müller.example"))
    assert made["domain"] == "xn--mller-kva.example"
    assert made["records"][0]["name"] == "20261118-rsa._domainkey.xn--mller-kva.example"


def test_what_cannot_be_done_is_said(verbs: DkimVerbs, tmp_path: Path) -> None:
    for work, why in (
        (verbs.create("elsewhere.example"), "no domain of this server"),
        (verbs.create("../../etc"), "label"),
        (verbs.rotate("example.org"), "dkim create"),
        (verbs.rotate("example.org", activate=True), "no new key"),
        (verbs.retire("example.org", "x"), "no key x"),
    ):
        with pytest.raises(VerbRefused, match=why):
            drive(work)
    (tmp_path / "example.org").write_text("in the way")
    with pytest.raises(VerbRefused, match=r"exists|directory"):
        drive(verbs.create("example.org"))


def test_a_record_is_known_by_its_key_alone() -> None:
    wanted = key("rsa").record()
    assert same_key(wanted.encode(), wanted)
    assert same_key(wanted.replace("v=DKIM1; ", "").replace("=", " = ", 2).encode() + b" ; t=s", wanted)
    assert not same_key(key("ed25519").record().encode(), wanted)
    assert not same_key(b"v=DKIM1; p=", wanted)
    assert not same_key(b"\xff", wanted)
