"""The verbs on the store: a whole answer, one check at a time."""

from collections.abc import Callable

import pytest
from twisted.internet.defer import Deferred

from mailserverd.accounts.administration import VerbRefused
from mailserverd.assembly.store_verbs import StoreVerbs
from mailserverd.backends.lmdb.check import CheckProgress, CheckResult
from mailserverd.backends.lmdb.check_finding import LOSS, Finding
from tests.contracts.loop import Loop


class HeldUp:
    """A check that waits until it is let go."""

    def __init__(self) -> None:
        self.go: Deferred[None] = Deferred()
        self.repair: list[bool] = []

    async def run(self, repair: bool, progress: Callable[[CheckProgress], None]) -> CheckResult:
        self.repair.append(repair)
        progress(CheckProgress(accounts_in_all=4, accounts=1))
        await self.go
        return CheckResult(CheckProgress(4, 4, 9), [Finding(LOSS, 7, "gone", what_to_do="restore it")])


def test_a_check_tells_how_far_it_is_and_what_it_found() -> None:
    loop, checker = Loop(), HeldUp()
    verbs = StoreVerbs(checker)  # type: ignore[arg-type]
    assert loop.run(verbs.check_progress()) is None
    answers: list[dict[str, object]] = []
    Deferred.fromCoroutine(verbs.check(repair=True)).addCallback(answers.append)
    progress = loop.run(verbs.check_progress())
    assert progress is not None
    assert (progress["accounts"], progress["accounts_in_all"]) == (1, 4)
    with pytest.raises(VerbRefused, match="already"):
        loop.run(verbs.check())
    checker.go.callback(None)
    [answer] = answers
    assert (answer["clean"], answer["losses"], answer["messages"], checker.repair) == (False, 1, 9, [True])
    assert answer["findings"] == [
        {"severity": "loss", "account": 7, "what": "gone", "repairable": False, "what_to_do": "restore it"}
    ]
    assert loop.run(verbs.check_progress()) is None
