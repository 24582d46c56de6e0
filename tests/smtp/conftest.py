"""The server that the tests of this folder talk to."""

from pathlib import Path

import pytest

from tests.smtp.doubles import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)
