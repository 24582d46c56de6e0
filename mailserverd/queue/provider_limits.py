"""How much a receiving provider takes from us, learned from its answers: additive increase, multiplicative decrease.

Standing rules: all domains at one provider share what is learned; success raises connections one by one, one reply that
asks us to slow down (classification.Verdict.slow) halves them and, once there is one left, spaces messages out; replies
that come together because they were under way together cut once; what was learned is forgotten after a quiet time, and
with the process. What a peer did not say teaches nothing here: that is the back-off's. No I/O.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from twisted.logger import Logger

from mailserverd.model.outcome import Refused, TryLater
from mailserverd.queue.classification import Classifier, Kind
from mailserverd.queue.providers import Providers

FIRST_CONNECTIONS = 5.0
CUT_AT_MOST_EVERY_SECONDS = 5
PAUSE_SECONDS = 1.0  # what was refused waits by its own schedule; this is for what else goes there
FIRST_SPACING_SECONDS = 0.5
MAX_SPACING_SECONDS = 4.0
_NO_SPACING_BELOW_SECONDS = 0.1
FORGOTTEN_AFTER_SECONDS = 3_600
_MAX_PROVIDERS = 20_000

_log = Logger()


class Bounds(NamedTuple):
    """Of connections: to one provider, and to all together."""

    to_one: int
    to_all: int


@dataclass(slots=True)
class Learned:
    """Of one provider. connections: how many there may be, a fraction is on its way to the next; in_use: there are.

    spacing: seconds between messages, 0 for none; not_before: when the next message may begin
    """

    connections: float = FIRST_CONNECTIONS
    in_use: int = 0
    spacing: float = 0.0
    not_before: float = 0.0
    last_cut: float = float("-inf")
    why: str = ""
    cuts: int = 0


class ProviderLimits:
    """The engine's Limits. bounds: asked each time, so that a reload counts. seconds: the wall clock.

    blocked: is told when a provider blocks one of our addresses: source, provider, whether for good, the reply, when.
    """

    def __init__(
        self,
        providers: Providers,
        classifier: Classifier,
        bounds: Callable[[], Bounds],
        seconds: Callable[[], float],
        blocked: Callable[[str, str, bool, str, int], None],
    ) -> None:
        self._providers = providers
        self.named = providers.names
        self._classifier = classifier
        self._bounds = bounds
        self._seconds = seconds
        self._blocked = blocked
        self._learned: dict[str, Learned] = {}
        self._in_use = 0

    def provider_of(self, hosts: Sequence[str]) -> str:
        return self._providers.of(hosts[0]) if hosts else ""

    def connections(self, provider: str) -> int:
        """How many there may be at once."""
        return max(1, min(int(self._of(provider).connections), self._bounds().to_one))

    def room(self, provider: str) -> bool:
        return self._in_use < self._bounds().to_all and self._of(provider).in_use < self.connections(provider)

    def excess(self, provider: str) -> bool:
        return self._of(provider).in_use > self.connections(provider)

    def opened(self, provider: str) -> None:
        self._in_use += 1
        self._of(provider).in_use += 1

    def closed(self, provider: str) -> None:
        self._in_use -= 1
        self._of(provider).in_use -= 1

    def wait(self, provider: str) -> float:
        return max(0.0, self._of(provider).not_before - self._seconds())

    def begun(self, provider: str) -> None:
        learned = self._of(provider)
        if learned.spacing:
            learned.not_before = max(learned.not_before, self._seconds()) + learned.spacing

    def succeeded(self, provider: str, source: str, recipients: int, now: int) -> None:
        learned = self._of(provider)
        if learned.spacing:
            shorter = learned.spacing / 2
            learned.spacing = shorter if shorter >= _NO_SPACING_BELOW_SECONDS else 0.0
            learned.not_before = min(learned.not_before, self._seconds() + learned.spacing)
        elif learned.connections < self._bounds().to_one and learned.not_before <= self._seconds():
            # what was under way when the provider asked to slow down says nothing
            learned.connections += 1.0 / max(1.0, int(learned.connections))

    def failed(self, provider: str, source: str, outcome: TryLater | Refused, code: int, reply: str, now: int) -> None:
        if not code:
            return
        verdict = self._classifier.classify(code, outcome.status, reply)
        if verdict.kind is Kind.BLOCK and source:
            self._blocked(source, provider, code >= 500, reply, now)
        if verdict.slow and self._slow_down(provider, reply):
            learned = self._of(provider)
            _log.info(
                "provider slowed down",
                provider=provider,
                connections=self.connections(provider),
                spacing_seconds=learned.spacing,
                reply=reply[:200],
            )

    def forget(self) -> None:
        self._learned = {name: Learned(in_use=each.in_use) for name, each in self._learned.items() if each.in_use}

    def seen(self) -> dict[str, Learned]:
        """For metrics: those that asked us to slow down, and those that were found to take more than at the start."""
        return {name: each for name, each in self._learned.items() if each.cuts or each.connections > FIRST_CONNECTIONS}

    def _slow_down(self, provider: str, why: str) -> bool:
        """Whether it was not already obeyed."""
        learned, now = self._of(provider), self._seconds()
        if now - learned.last_cut < CUT_AT_MOST_EVERY_SECONDS:
            return False
        if learned.connections < 2:
            learned.spacing = min(MAX_SPACING_SECONDS, max(FIRST_SPACING_SECONDS, learned.spacing * 2))
        learned.connections = max(1.0, min(learned.connections, self._bounds().to_one) / 2)
        learned.last_cut, learned.why = now, why
        learned.cuts += 1
        learned.not_before = max(learned.not_before, now + max(PAUSE_SECONDS, learned.spacing))
        return True

    def _of(self, provider: str) -> Learned:
        learned = self._learned.get(provider)
        if learned is None:
            if len(self._learned) >= _MAX_PROVIDERS:
                for name in [name for name, each in self._learned.items() if not each.why and not each.in_use]:
                    del self._learned[name]
            learned = self._learned[provider] = Learned()
        elif learned.why and self._seconds() - learned.last_cut > FORGOTTEN_AFTER_SECONDS:
            learned.connections = max(learned.connections, FIRST_CONNECTIONS)
            learned.spacing, learned.why = 0.0, ""
        return learned
