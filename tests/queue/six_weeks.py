"""A sending house under a clock: the engine, submission and all of reputation, over stores that outlive a restart."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from mailserverd.config.outbound import MailClass, Outbound, Pool
from mailserverd.interfaces.mail_transport import Result
from mailserverd.model.account import Account
from mailserverd.model.identifiers import AccountId
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.model.reputation import Suspension
from mailserverd.queue.attempt_notes import AttemptNotes
from mailserverd.queue.caps import Caps, CapSettings
from mailserverd.queue.classification import known_phrases
from mailserverd.queue.feedback import Feedback
from mailserverd.queue.matching import Matching
from mailserverd.queue.parts import AsAccepted
from mailserverd.queue.personal_forms import PersonalForms
from mailserverd.queue.pools import Pools
from mailserverd.queue.provider_limits import Bounds, ProviderLimits
from mailserverd.queue.providers import known_providers
from mailserverd.queue.sending_rules import AccountRules
from mailserverd.queue.submit import Addressee, Submission, Submit
from mailserverd.queue.suppression import SuppressionList, SuppressionSettings
from mailserverd.queue.suspension import Suspensions, SuspensionSettings
from mailserverd.queue.unsubscribe import Unsubscribe
from mailserverd.queue.verp import ReturnPaths
from mailserverd.queue.warm_up import WarmUps
from tests.queue.memory_store import MemoryQueue
from tests.queue.reputation_double import Stores, run
from tests.queue.stage import BODY, OK, Host, Stage, hop

DAY = 86_400
WARM, NEW, OWN = "192.0.2.1", "192.0.2.2", "192.0.2.9"
RAMP = (5, 10, 15, 20, 25, 30, 35)
SETTINGS = {
    "pools": {
        "bulk": Pool(addresses=(WARM, NEW), warm_up_per_day=RAMP, warm_up_addresses=(NEW,)),
        "own": Pool(addresses=(OWN,)),
    },
    "classes": {
        "bulk": MailClass(pool="bulk", verp=True, unsubscribe=True),
        "transactional": MailClass(pool="own"),
    },
    "suppress_days": 14,
    "minimum_recipients": 50,
}


class SendingHouse:
    """told: of suspensions, and of reports that came back."""

    def __init__(self, stores: Stores, queue: MemoryQueue, seconds: float = 0.0) -> None:
        self.stores, self.queue = stores, queue
        self.told: list[str] = []
        classifier = known_phrases()
        is_local = lambda domain: domain == "example.org"  # noqa: E731
        settings: Callable[[], Outbound] = lambda: self.stage.settings  # noqa: E731
        store, counts = stores.reputation, stores.counts
        self.suppression = SuppressionList(store, lambda: SuppressionSettings(5, settings().suppress_days), is_local)
        self.suspensions = Suspensions(
            store, counts, lambda: SuspensionSettings(settings().minimum_recipients, 10.0, 0.3), self._tell
        )
        self.pools = Pools(store, settings, WarmUps(store))
        limits = ProviderLimits(
            known_providers(),
            classifier,
            lambda: Bounds(10, 500),
            lambda: self.stage.clock.seconds(),
            self.pools.blocked,
        )
        self.rules = AccountRules(
            self.suspensions, self.suppression, Caps(counts, lambda: CapSettings(0, 0, 0)), stores.sent
        )
        self.paths = ReturnPaths(b"v" * 32, settings, is_local)
        self.unsubscribe = Unsubscribe(b"u" * 32, settings, is_local, lambda: "")
        self.feedback = Feedback(
            Matching(stores.sent, self.paths.place),
            self.unsubscribe,
            self.suppression,
            self.suspensions,
            classifier,
            self._event,
        )
        self.stage = Stage(
            queue,
            {
                "limits": limits,
                "sources": self.pools,
                "screening": self.rules,
                "preparation": PersonalForms(self.paths, self.unsubscribe, AsAccepted()),
            },
            **SETTINGS,
        )
        self.stage.clock.advance(seconds)
        run(self.pools.start())
        self._hear(AttemptNotes(self.suppression, self.suspensions, classifier, self.stage.clock.seconds))
        self.submit = Submit(queue, self.rules, settings, self.stage.clock.seconds, self.stage.scheduler.wake)
        self._number = int(seconds)
        self._asked: Counter[str] = Counter()

    def _hear(self, notes: AttemptNotes) -> None:
        heard = self.stage.notes.attempted

        def both(attempts: Any) -> None:
            heard(attempts)
            notes.attempted(attempts)

        self.stage.notes.attempted = both  # type: ignore[method-assign]

    async def _tell(self, suspension: Suspension) -> bool:
        self.told.append(suspension.why)
        return True

    async def _event(self, what: str, facts: dict[str, Any]) -> None:
        self.told.append(f"{what} {facts['recipient']}")

    def host(self, name: str, *domains: str, answer: Callable[[str], Result] = lambda _: OK) -> Host:
        made = self.stage.hosts.by_name[name] = Host(answer)
        for domain in domains:
            self.stage.routes.by_name[domain] = (hop(name),)
        return made

    def send(self, account: Account, mail_class: str, *addresses: str) -> Refused | TryLater | None:
        """As submission does it: each recipient is asked for, then the message is submitted."""
        for address in addresses:
            refusal = run(self.submit.admits(account, address))
            if refusal is not None:
                return refusal
        self._number += 1
        wanted = Submission(
            queue_id=f"{self._number:020x}",
            sender=account.address,
            recipients=[Addressee(each, each.rpartition("@")[2]) for each in addresses],
            message=BODY,
            now=self.stage.now,
            account=account,
            mail_class=mail_class,
            message_id=f"{self._number}@example.org",
        )
        return run(self.submit.submit(wanted))

    def sources(self, name: str) -> Counter[str]:
        """By which addresses messages went to a host since the last time, how many each."""
        found: Counter[str] = Counter()
        for session in self.stage.hosts.by_name[name].sessions:
            found[session.hop.source] += session.sent
        since, key = Counter(), f"{name}/"
        for source, count in found.items():
            since[source] = count - self._asked[key + source]
            self._asked[key + source] = count
        return +since

    def restarted(self) -> "SendingHouse":
        """The next start of the server: what was not stored is gone. Hosts are as they were."""
        run(self.stage.scheduler.stop())
        run(self.pools.stop())
        later = self.stage.clock.seconds() - Stage().clock.seconds()
        again = SendingHouse(self.stores.again(), self.queue, later)
        again.stage.hosts.by_name = self.stage.hosts.by_name
        again.stage.routes.by_name = self.stage.routes.by_name
        again._asked = self._asked
        return again

    def pass_day(self) -> None:
        """The rest of a day of 24 hours, a minute of it in small steps."""
        self.stage.run(60, 0.25)
        self.stage.clock.pump([600] * ((DAY - 60) // 600))
        self.stage.clock.advance((DAY - 60) % 600)


ANNA = Account(AccountId(1), "anna@example.org", mail_class="bulk", mail_classes=("transactional",))
MALLORY = Account(AccountId(2), "mallory@example.org", mail_class="transactional")
