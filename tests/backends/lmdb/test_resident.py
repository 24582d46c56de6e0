"""What was read of a large database is let go of, and read again all the same."""

import os
import sys
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from mailserverd.backends.lmdb.environment import Environment
from mailserverd.backends.lmdb.resident import EVERY_SECONDS, Resident, mappings_of, shared_octets
from tests.backends.lmdb.embedded import AtOnce

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what is in memory")
RECORDS = 300


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    made = Environment(tmp_path, 1 << 28)
    transaction = made.begin_write()
    for n in range(RECORDS):
        transaction.put(b"Q%d" % n, os.urandom(100_000))
    made.commit(transaction)
    return made


def test_it_is_let_go_of_and_read_again(environment: Environment) -> None:
    before = [environment.get(b"Q%d" % n) for n in range(RECORDS)]
    full = shared_octets()
    Resident(environment.path / "data.mdb", AtOnce(), Clock(), bound_octets=0).look()
    assert shared_octets() < full - 20_000_000
    assert [environment.get(b"Q%d" % n) for n in range(RECORDS)] == before
    environment.close()


def test_a_transaction_that_is_being_read_sees_no_difference(environment: Environment) -> None:
    resident = Resident(environment.path / "data.mdb", AtOnce(), Clock(), bound_octets=0)
    with environment.read(buffers=True) as transaction:
        view = transaction.get(b"Q7")
        kept = bytes(view)
        resident.look()
        assert bytes(view) == kept
    environment.close()


def test_below_the_bound_and_elsewhere_nothing_is_touched(environment: Environment, tmp_path: Path) -> None:
    touched: list[int] = []
    clock = Clock()
    for bound, file in ((1 << 40, environment.path / "data.mdb"), (0, tmp_path / "other")):
        resident = Resident(file, AtOnce(), clock, bound, lambda start, octets: touched.append(start))
        resident.start()
        clock.advance(EVERY_SECONDS + 1)
        resident.stop()
    assert touched == []
    assert len(list(mappings_of(environment.path / "data.mdb"))) == 1
    environment.close()


def test_it_looks_every_few_seconds(environment: Environment) -> None:
    touched: list[int] = []
    clock = Clock()
    file = environment.path / "data.mdb"
    resident = Resident(file, AtOnce(), clock, 0, lambda start, octets: touched.append(octets))
    resident.start()
    clock.advance(EVERY_SECONDS - 1)
    assert touched == []
    clock.advance(2)
    assert touched == [1 << 28]
    resident.stop()
    environment.close()
