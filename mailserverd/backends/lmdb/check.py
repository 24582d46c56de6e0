"""StoreCheck: every reference, counter and blob of the store, on a live server.

Standing rules: nothing is reported that a concurrent change explains (see check_snapshot.py); repairs are judged anew
inside one plan of the writer, so that they never undo what was committed meanwhile; the reactor thread only waits.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial

import msgspec

from mailserverd.backends.lmdb.accounts_with_mail import accounts_with_mail
from mailserverd.backends.lmdb.check_account import AccountCheck, merged
from mailserverd.backends.lmdb.check_content import ContentCheck
from mailserverd.backends.lmdb.check_finding import ERROR, LOSS, WARNING, Finding
from mailserverd.backends.lmdb.check_rest import (
    directory_findings,
    journal_findings,
    pending_findings,
    validity_findings,
)
from mailserverd.backends.lmdb.check_snapshot import Snapshot, gathered, version_of
from mailserverd.backends.lmdb.environment import Environment
from mailserverd.backends.lmdb.keys import UID_VALIDITY
from mailserverd.backends.lmdb.off_reactor import OffReactor
from mailserverd.backends.lmdb.queue_check import queue_findings
from mailserverd.backends.lmdb.queue_records import BLOB
from mailserverd.backends.lmdb.reputation_check import reputation_findings
from mailserverd.backends.lmdb.row_rebuild import rebuilder
from mailserverd.backends.lmdb.step import Step
from mailserverd.backends.lmdb.writer import Writer
from mailserverd.interfaces.blob_store import BlobStore
from mailserverd.model.identifiers import AccountId, BlobId

_TRIES = 6
_TOLD = 10_000  # findings, in one answer


@dataclass(slots=True)
class CheckProgress:
    accounts_in_all: int = 0
    accounts: int = 0
    messages: int = 0
    octets: int = 0
    blobs: int = 0


@dataclass(slots=True)
class CheckResult:
    """mended: how many of the findings were repaired."""

    progress: CheckProgress = field(default_factory=CheckProgress)
    findings: list[Finding] = field(default_factory=list)
    mended: int = 0

    @property
    def clean(self) -> bool:
        return not self.findings

    def count(self, severity: str) -> int:
        return sum(finding.severity == severity for finding in self.findings)


class StoreCheck:
    """refresh: called after an account was repaired, so that memory follows the disk."""

    def __init__(
        self,
        environment: Environment,
        writer: Writer,
        blobs: BlobStore,
        threads: OffReactor,
        refresh: Callable[[AccountId], None],
    ) -> None:
        self._environment = environment
        self._writer = writer
        self._blobs = blobs
        self._threads = threads
        self._refresh = refresh

    async def run(
        self, repair: bool = False, progress: Callable[[CheckProgress], None] = lambda progress: None
    ) -> CheckResult:
        """Raises TryAgain where a repair could not be stored."""
        result = CheckResult()
        contents = ContentCheck(self._environment, self._blobs, self._threads)
        accounts = await self._threads.run(lambda: accounts_with_mail(self._environment))
        result.progress.accounts_in_all = len(accounts)
        progress(result.progress)

        def noted(messages: int, octets: int) -> None:
            result.progress.messages += messages
            result.progress.octets += octets
            result.progress.blobs = contents.blobs
            progress(result.progress)

        validity = 0
        for account_id in accounts:
            snapshot = await self._snapshot(account_id)
            validity = max([validity, *(box.uid_validity for box in snapshot.boxes.values())])
            findings = await self._threads.run(lambda: self._judged(snapshot))  # noqa: B023
            if repair and any(finding.repairable for finding in findings):
                findings = await self._writer.submit(lambda step: self._mended(step, account_id))  # noqa: B023
                result.mended += sum(finding.repairable for finding in findings)
                self._refresh(AccountId(account_id))
            result.findings += findings
            sizes = {email_id: size for email_id, _, size in snapshot.rows.values() if email_id in snapshot.contents}
            result.findings += await contents.check(account_id, sorted(sizes.items()), noted)
            result.progress.accounts += 1
            progress(result.progress)
        await self._check_rest(result, repair, validity)
        return result

    async def _snapshot(self, account_id: int) -> Snapshot:
        """All of an account as it was at one moment."""
        opened = self._environment.read
        for _ in range(_TRIES):
            before = version_of(opened, account_id)
            snapshot, slices = gathered(opened, account_id)
            while await self._threads.run(lambda: next(slices, "over")) is None:  # noqa: B023
                continue
            if version_of(opened, account_id) == before:
                return snapshot
        return await self._writer.submit(lambda step: _gathered_at_once(step, account_id))

    def _judged(self, snapshot: Snapshot) -> list[Finding]:
        validity = int.from_bytes(self._environment.get(UID_VALIDITY) or b"")
        return AccountCheck(snapshot, validity, rebuilder(self._environment.read, snapshot.prefix)).findings()

    def _mended(self, step: Step, account_id: int) -> list[Finding]:
        """In the writer thread: judge once more, and put what is right."""
        snapshot = _gathered_at_once(step, account_id)
        validity = int.from_bytes(step.get(UID_VALIDITY) or b"")
        rebuild = rebuilder(lambda: nullcontext(step.transaction), snapshot.prefix)
        findings = AccountCheck(snapshot, validity, rebuild).findings()
        _put(step, findings)
        return findings

    async def _check_rest(self, result: CheckResult, repair: bool, validity: int) -> None:
        judges = (
            journal_findings,
            partial(validity_findings, highest=validity),
            pending_findings,
            directory_findings,
            queue_findings,
            reputation_findings,
        )
        for judge in judges:
            findings = await self._threads.run(lambda: judge(self._environment.patient_read))  # noqa: B023
            if repair and any(finding.repairable for finding in findings):
                findings = await self._writer.submit(lambda step: _judged_and_put(step, judge))  # noqa: B023
                result.mended += sum(finding.repairable for finding in findings)
            result.findings += findings
        await self._check_queued_blobs(result)

    async def _check_queued_blobs(self, result: CheckResult) -> None:
        """Large bodies of the queue; one that was delivered meanwhile is no finding."""
        after = b""
        while records := self._environment.scan(BLOB, 500, after):
            for key, blob_id in records:
                if not await self._blobs.verify(BlobId(blob_id)) and self._environment.get(key) == blob_id:
                    what = f"the octets of queued message {key[2:]!r} are lost or damaged"
                    result.findings.append(
                        Finding(LOSS, None, what, what_to_do="restore the blob, or drop the message")
                    )
            after = records[-1][0]


def _gathered_at_once(step: Step, account_id: int) -> Snapshot:
    snapshot, slices = gathered(lambda: nullcontext(step.transaction), account_id)
    for _ in slices:
        pass
    return snapshot


def _judged_and_put(step: Step, judge: Callable[..., list[Finding]]) -> list[Finding]:
    findings = judge(lambda: nullcontext(step.transaction))
    _put(step, findings)
    return findings


def _put(step: Step, findings: list[Finding]) -> None:
    puts, deletes = merged(findings)
    for key in deletes:
        step.delete(key)
    for key, value in puts:
        step.put(key, value)


def told(result: CheckResult) -> dict[str, object]:
    """A result as values of JSON."""
    return {
        **msgspec.to_builtins(result.progress),
        "clean": result.clean,
        "mended": result.mended,
        "warnings": result.count(WARNING),
        "errors": result.count(ERROR),
        "losses": result.count(LOSS),
        "findings": [
            {
                "severity": finding.severity,
                "account": finding.account_id,
                "what": finding.what,
                "repairable": finding.repairable,
                "what_to_do": finding.what_to_do,
            }
            for finding in result.findings[:_TOLD]
        ],
    }
