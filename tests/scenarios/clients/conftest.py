"""One server for all tests of a module."""

from collections.abc import Iterator

import pytest

from tests.scenarios.clients.house import ALICE, BOB, PASSWORD
from tests.scenarios.server import MailServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with MailServer(tmp_path_factory.mktemp("server"), {ALICE: PASSWORD, BOB: PASSWORD}) as running:
        yield running
