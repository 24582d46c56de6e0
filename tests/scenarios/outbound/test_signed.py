"""What leaves is signed, as dkimpy sees it, through a rotation of keys and a reload."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import dkim
import pytest

from tests.scenarios.outbound.test_mail_leaves import World
from tests.scenarios.server import until
from tests.wire.authentication.curve import teach_dkimpy

teach_dkimpy()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("signed"))
    with made.nameserver, made.peer, made.server:
        yield made


def rows(world: World, *arguments: str) -> Any:
    return json.loads(world.server.cli(*arguments, "--json").stdout)


def selectors(world: World, recipient: str) -> list[bytes]:
    """Of the signatures that hold on the message that this recipient got."""
    until(lambda: world.peer.taken_by(recipient))
    [taken] = world.peer.taken_by(recipient)
    records = {
        f"{each['name']}.".encode(): each["value"].encode()
        for row in rows(world, "dkim", "list")
        for each in row["records"]
    }
    verifier, found = dkim.DKIM(taken.octets), []
    for index in range(taken.octets.count(b"DKIM-Signature:")):
        assert verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: records.get(name))
        found.append(verifier.selector)
    return found


def test_both_algorithms_through_a_rotation(world: World) -> None:
    world.submit("first@a.example")
    first = selectors(world, "first@a.example")
    assert [each.rpartition(b"-")[2] for each in first] == [b"rsa", b"ed25519"]
    world.server.cli("dkim", "rotate", "example.org")
    world.submit("second@a.example")
    assert selectors(world, "second@a.example") == first
    world.server.cli("dkim", "rotate", "example.org", "--activate")
    world.submit("third@a.example")
    third = selectors(world, "third@a.example")
    assert set(third).isdisjoint(first)
    assert selectors(world, "first@a.example") == first  # the old records are still told
    assert rows(world, "dkim", "retire", "example.org")["removed"] == [first[0].partition(b"-")[0].decode()]


def test_keys_that_are_put_there_are_read_at_a_reload(world: World) -> None:
    folder = world.server.folder / "data/dkim/example.org"
    [name] = {each.name.partition(".")[0] for each in folder.glob("*.pem")}
    for kind in ("rsa", "ed25519"):
        shutil.copy(folder / f"{name}.{kind}.pem", folder / f"mine.{kind}.pem")
    world.server.reload()
    until(lambda: len(rows(world, "dkim", "list", "example.org")) == 2)
    world.server.cli("dkim", "rotate", "example.org", "--activate")
    world.submit("fourth@a.example")
    assert selectors(world, "fourth@a.example") == [b"mine-rsa", b"mine-ed25519"]
