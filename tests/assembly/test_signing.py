"""The part that signs: new keys that sign once their records are seen, and whose addresses are whose."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from mailserverd.assembly import signing
from mailserverd.assembly.signing import DirectorySenders, SigningPart
from mailserverd.model.identifiers import AccountId
from mailserverd.queue.key_rotation import SEEN_SECONDS
from mailserverd.wire.zone.record import quoted
from tests.accounts.doubles import drive
from tests.nameserver.resolver import ZoneResolver
from tests.nameserver.zones import Zones
from tests.smtp.doubles import FakeDirectory

NOW = 1_795_000_000


class Stage:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        monkeypatch.setattr(signing, "time", lambda: self.now)
        self.zones = Zones()
        self.reload: list[Callable[[Any], object]] = []
        server = SimpleNamespace(data_directory=folder, hostname="mx.example.org")
        reloading: Any = SimpleNamespace(config=SimpleNamespace(server=server), tell=self.reload.append)
        self.resolver = ZoneResolver(self.zones)
        self.part = SigningPart(FakeDirectory(), reloading, self.resolver, Clock())  # type: ignore[arg-type]
        self.part.elsewhere = self.here  # type: ignore[method-assign]
        self.keys = self.part.keys

    def here(self, work: Callable[[], Any]) -> Deferred[Any]:
        return succeed(work())

    def publish(self, name: str) -> None:
        for held in self.keys.of("example.org"):
            for key in held.keys if held.generation.name == name else ():
                self.zones.add(f"{key.record_name} TXT {quoted(key.record())}")

    def look(self, after: int = 0) -> str:
        """Which key signs after a look."""
        self.now += after
        self.resolver._cache.clear()
        drive(self.part.look())
        return self.keys.signing("example.org")[0].selector


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage(tmp_path, monkeypatch)
    made.keys.create("example.org", NOW)
    made.keys.rotate("example.org", NOW)
    return made


def test_a_new_key_signs_an_hour_after_both_its_records_were_seen(stage: Stage) -> None:
    assert stage.look() == "20261118-rsa"
    stage.publish("20261118b")
    assert stage.look(600) == "20261118-rsa"
    assert stage.look(SEEN_SECONDS - 1) == "20261118-rsa"
    assert stage.look(1) == "20261118b-rsa"


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_one_record_is_not_enough(stage: Stage, kind: str) -> None:
    stage.publish("20261118b")
    stage.zones.remove(f"20261118b-{kind}._domainkey.example.org", "TXT")
    assert [stage.look(SEEN_SECONDS) for _ in range(3)] == ["20261118-rsa"] * 3
    stage.zones.add(f'20261118b-{kind}._domainkey.example.org TXT "v=DKIM1; p=AAAA"')
    assert [stage.look(SEEN_SECONDS) for _ in range(3)] == ["20261118-rsa"] * 3


def test_a_reload_reads_the_keys_again(stage: Stage, tmp_path: Path) -> None:
    other = type(stage.keys)(tmp_path / "dkim")
    other.load()
    other.activate("example.org", NOW)
    [reload] = stage.reload
    reload(None)
    assert stage.keys.signing("example.org")[0].selector == "20261118b-rsa"


def test_who_may_send_as_whom() -> None:
    directory = FakeDirectory()
    directory.add(1, "anna@example.org")
    directory.names["sales@bücher.example"] = directory.names["anna@example.org"]
    directory.add(2, "bob@bücher.example")

    async def account_by_id(number: AccountId) -> Any:
        return next(each for found in directory.names.values() for each in found if each.account_id == number)

    directory.account_by_id = account_by_id  # type: ignore[attr-defined]
    senders = DirectorySenders(directory)  # type: ignore[arg-type]

    def may(address: str) -> bool:
        return drive(senders.may_send_as(AccountId(1), address))

    assert may("Whoever@Example.org"), "a domain vouches for all its own"
    assert may("sales@xn--bcher-kva.example")
    assert not may("bob@bücher.example")
    assert not may("nobody@bücher.example")
    assert not may("x@elsewhere.example")
