"""The life of a domain's keys, on disk and after a restart."""

from pathlib import Path

import pytest

from mailserverd.queue.dkim_keys import DkimKeys
from mailserverd.queue.key_rotation import ACTIVE, NEW, RETIRING, SEEN_SECONDS, NothingToDo, next_name

NOW = 1_795_000_000  # 2026-11-18
DOMAIN = "example.org"


@pytest.fixture
def keys(tmp_path: Path) -> DkimKeys:
    made = DkimKeys(tmp_path / "dkim")
    assert made.load() == []
    made.create(DOMAIN, NOW)
    return made


def states(keys: DkimKeys) -> dict[str, str]:
    return {each.generation.name: each.generation.state for each in keys.of(DOMAIN)}


def selectors(keys: DkimKeys) -> list[str]:
    return [each.selector for each in keys.signing(DOMAIN)]


def test_the_first_keys_sign_and_nobody_else_can_read_them(keys: DkimKeys, tmp_path: Path) -> None:
    assert selectors(keys) == ["20261118-rsa", "20261118-ed25519"]
    files = {each.name: each.stat().st_mode & 0o777 for each in (tmp_path / "dkim" / DOMAIN).iterdir()}
    assert files == {"20261118.rsa.pem": 0o600, "20261118.ed25519.pem": 0o600, "generations.json": 0o600}
    assert (tmp_path / "dkim" / DOMAIN).stat().st_mode & 0o777 == 0o700
    assert keys.signing("elsewhere.example") == ()
    with pytest.raises(NothingToDo, match="rotate"):
        keys.create(DOMAIN, NOW)


def test_a_new_key_signs_only_when_somebody_says_so(keys: DkimKeys, tmp_path: Path) -> None:
    keys.rotate(DOMAIN, NOW + 5)
    assert states(keys) == {"20261118": ACTIVE, "20261118b": NEW}
    assert selectors(keys)[0] == "20261118-rsa"
    with pytest.raises(NothingToDo, match="waits already"):
        keys.rotate(DOMAIN, NOW + 6)
    keys.activate(DOMAIN, NOW + 10)
    assert states(keys) == {"20261118": RETIRING, "20261118b": ACTIVE}
    again = DkimKeys(tmp_path / "dkim")
    assert again.load() == []
    assert selectors(again) == selectors(keys) == ["20261118b-rsa", "20261118b-ed25519"]
    with pytest.raises(NothingToDo, match="no new key"):
        keys.activate(DOMAIN, NOW + 11)


def test_a_new_key_signs_by_itself_once_it_was_seen_in_the_dns_for_an_hour(keys: DkimKeys) -> None:
    keys.rotate(DOMAIN, NOW)
    assert not keys.looked(DOMAIN, ["20261118"], NOW + 10)
    assert not keys.looked(DOMAIN, ["20261118b"], NOW + 20)
    assert not keys.looked(DOMAIN, [], NOW + 30)  # gone again: counted from the beginning
    assert not keys.looked(DOMAIN, ["20261118b"], NOW + 40)
    assert not keys.looked(DOMAIN, ["20261118b"], NOW + 30 + SEEN_SECONDS)
    assert states(keys)["20261118b"] == NEW
    assert keys.looked(DOMAIN, ["20261118b"], NOW + 40 + SEEN_SECONDS)
    assert states(keys) == {"20261118": RETIRING, "20261118b": ACTIVE}


def test_what_signs_is_never_removed(keys: DkimKeys, tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="signs"):
        keys.retire(DOMAIN, "20261118")
    with pytest.raises(NothingToDo, match="no key retires"):
        keys.retire(DOMAIN)
    with pytest.raises(NothingToDo, match="no key 1999"):
        keys.retire(DOMAIN, "1999")
    keys.rotate(DOMAIN, NOW)
    keys.activate(DOMAIN, NOW)
    assert keys.retire(DOMAIN) == ["20261118"]
    assert states(keys) == {"20261118b": ACTIVE}
    assert not list((tmp_path / "dkim" / DOMAIN).glob("20261118.*"))


def test_keys_that_were_put_there_are_new(keys: DkimKeys, tmp_path: Path) -> None:
    folder = tmp_path / "dkim" / DOMAIN
    for kind in ("rsa", "ed25519"):
        (folder / f"mine.{kind}.pem").write_bytes((folder / f"20261118.{kind}.pem").read_bytes())
    assert keys.load() == []
    assert states(keys) == {"20261118": ACTIVE, "mine": NEW}
    keys.activate(DOMAIN, NOW)
    assert selectors(keys) == ["mine-rsa", "mine-ed25519"]


def test_a_broken_file_is_named_and_other_domains_go_on(keys: DkimKeys, tmp_path: Path) -> None:
    keys.create("other.example", NOW)
    (tmp_path / "dkim" / DOMAIN / "20261118.rsa.pem").write_text("no key")
    (line,) = keys.load()
    assert "20261118.rsa.pem: is no private key" in line
    assert keys.signing(DOMAIN) == ()
    assert keys.signing("other.example") != ()
    with pytest.raises(NothingToDo, match="has keys"):  # which nothing is written over
        keys.create(DOMAIN, NOW)
    (tmp_path / "dkim" / "other.example" / "generations.json").write_text("[{}]")
    assert any("generations.json" in each for each in keys.load())


def test_the_day_names_a_generation_and_a_letter_the_next(keys: DkimKeys) -> None:
    known = [each.generation for each in keys.of(DOMAIN)]
    assert next_name(known, NOW) == "20261118b"
    assert next_name(known, NOW + 86400) == "20261119"
