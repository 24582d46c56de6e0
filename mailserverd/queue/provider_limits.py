"""How much a receiving provider takes from us, learned from its answers: additive increase, multiplicative decrease.

Standing rules: all domains at one provider share what is learned; success raises connections one by one, one reply that
asks us to slow down (classification.Verdict.slow) halves them and, once there is one left, spaces messages out; replies
that come together because they were under way together cut once; what was learned is forgotten after a quiet time, and
with the process. What a peer did not say teaches nothing here: that is the back-off's. No I/O.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.logger import Logger

from mailserverd.model.outcome import Refused, TryLater
from mailserverd.queue.classification import Classifier, Kind
from mailserverd.queue.providers import Providers

FIRST_CONNECTIONS = 5.0
CUT_AT_MOST_EVERY_SECONDS = 5
PAUSE_SECONDS = 1.0  # what was refused waits by its own schedule; this is for what else goes there
FIRST_SPACING_SECONDS = 0.5
MAX_SPACING_SECONDS = 10.0
_NO_SPACING_BELOW_SECONDS = 0.1
FORGOTTEN_AFTER_SECONDS = 3_600
_MAX_PROVIDERS = 20_000

_log = Logger()


@dataclass(slots=True)
class Learned:
    """Of one provider. connections: how many there may be, a fraction is on its way to the next.

    spacing: seconds between messages, 0 for none; not_before: when the next message may begin
    """

    connections: float = FIRST_CONNECTIONS
    spacing: float = 0.0
    not_before: float = 0.0
    last_cut: float = float("-inf")
    why: str = ""
    cuts: int = 0


class ProviderLimits:
    """The engine's Limits. max_connections: to one provider, asked each time, so that a reload counts.

    blocked: is told when a provider blocks one of our addresses: source, provider, whether for good, the reply, when.
    """

    def __init__(
        self,
        providers: Providers,
        classifier: Classifier,
        max_connections: Callable[[], int],
        blocked: Callable[[str, str, bool, str, int], None],
    ) -> None:
        self._providers = providers
        self.named = providers.names
        self._classifier = classifier
        self._max_connections = max_connections
        self._blocked = blocked
        self._learned: dict[str, Learned] = {}

    def provider_of(self, hosts: Sequence[str]) -> str:
        return self._providers.of(hosts[0]) if hosts else ""

    def connections(self, provider: str) -> int:
        return max(1, min(int(self._of(provider).connections), self._max_connections()))

    def wait_seconds(self, provider: str, now: float) -> float:
        learned = self._of(provider)
        if learned.why and now - learned.last_cut > FORGOTTEN_AFTER_SECONDS:
            learned.connections = max(learned.connections, FIRST_CONNECTIONS)
            learned.spacing, learned.why = 0.0, ""
        if learned.not_before > now:
            return learned.not_before - now
        if learned.spacing:
            learned.not_before = now + learned.spacing
        return 0.0

    def succeeded(self, provider: str, source: str, recipients: int, now: int) -> None:
        learned = self._of(provider)
        if learned.spacing:
            shorter = learned.spacing * 0.75
            learned.spacing = shorter if shorter >= _NO_SPACING_BELOW_SECONDS else 0.0
            learned.not_before = min(learned.not_before, now + learned.spacing)
        elif learned.connections < self._max_connections():
            learned.connections += 1.0 / max(1.0, int(learned.connections))

    def failed(self, provider: str, source: str, outcome: TryLater | Refused, code: int, reply: str, now: int) -> None:
        if not code:
            return
        verdict = self._classifier.classify(code, outcome.status, reply)
        if verdict.kind is Kind.BLOCK and source:
            self._blocked(source, provider, code >= 500, reply, now)
        if verdict.slow and self._slow_down(provider, reply, now):
            learned = self._of(provider)
            _log.info(
                "provider slowed down",
                provider=provider,
                connections=self.connections(provider),
                spacing_seconds=learned.spacing,
                reply=reply[:200],
            )

    def forget(self) -> None:
        self._learned.clear()

    def seen(self) -> dict[str, Learned]:
        """For metrics: those that asked us to slow down, and those that were found to take more than at the start."""
        return {name: each for name, each in self._learned.items() if each.cuts or each.connections > FIRST_CONNECTIONS}

    def _slow_down(self, provider: str, why: str, now: int) -> bool:
        """Whether it was not already obeyed."""
        learned = self._of(provider)
        if now - learned.last_cut < CUT_AT_MOST_EVERY_SECONDS:
            return False
        if learned.connections < 2:
            learned.spacing = min(MAX_SPACING_SECONDS, max(FIRST_SPACING_SECONDS, learned.spacing * 2))
        learned.connections = max(1.0, min(learned.connections, self._max_connections()) / 2)
        learned.last_cut, learned.why = now, why
        learned.cuts += 1
        learned.not_before = max(learned.not_before, now + max(PAUSE_SECONDS, learned.spacing))
        return True

    def _of(self, provider: str) -> Learned:
        learned = self._learned.get(provider)
        if learned is None:
            if len(self._learned) >= _MAX_PROVIDERS:
                for name in [name for name, each in self._learned.items() if not each.why]:
                    del self._learned[name]
            learned = self._learned[provider] = Learned()
        return learned
