"""An empty house, and a connection to it that has logged in; a module may furnish its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.imap.house import Connection, House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(house: House) -> Connection:
    made = house.connect()
    assert b"a0 OK" in made.say(b'a0 LOGIN user@example.org "correct horse"\r\n')
    return made
