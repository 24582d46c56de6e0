"""The verbs on the stored mail: check it, and tell how far the check is.

Standing rules: one check at a time; it goes on when whoever asked for it goes away, and every finding is a line of
the log too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from twisted.logger import Logger

from mailserverd.accounts.administration import VerbRefused
from mailserverd.backends.lmdb.check import CheckProgress, CheckResult, StoreCheck, told

log = Logger()
BeginEpoch = Callable[[], Awaitable[tuple[int, int]]]
"""Gives the numbers of accounts and of mailboxes."""


class StoreVerbs:
    """begin_epoch: what `store restored` does; None while the server runs."""

    def __init__(self, checker: StoreCheck, begin_epoch: BeginEpoch | None = None) -> None:
        self._checker = checker
        self._begin_epoch = begin_epoch
        self._progress: CheckProgress | None = None

    async def check(self, repair: bool = False) -> dict[str, Any]:
        """Verify every record and blob; repair: mend what can be mended."""
        return told(await self.run(repair))

    async def run(self, repair: bool, progress: Callable[[CheckProgress], None] = lambda progress: None) -> CheckResult:
        if self._progress is not None:
            raise VerbRefused("the store is being checked already; wait until that is done")

        def noted(so_far: CheckProgress) -> None:
            self._progress = so_far
            progress(so_far)

        self._progress = CheckProgress()
        try:
            result = await self._checker.run(repair, noted)
        finally:
            self._progress = None
        for finding in result.findings:
            log.warn("store check", severity=finding.severity, account=finding.account_id, what=finding.what)
        return result

    async def check_progress(self) -> dict[str, Any] | None:
        """How far the check under way is; null where there is none."""
        if self._progress is None:
            return None
        value: dict[str, Any] = msgspec.to_builtins(self._progress)
        return value

    async def restored(self) -> dict[str, Any]:
        """The data came back from a backup: what clients were told since then is not told again of other mail."""
        if self._begin_epoch is None:
            raise VerbRefused("the server has to be down for this: stop it, then ask again")
        accounts, mailboxes = await self._begin_epoch()
        log.info("a new epoch begins", accounts=accounts, mailboxes=mailboxes)
        return {"accounts": accounts, "mailboxes": mailboxes}
