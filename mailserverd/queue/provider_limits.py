"""How much a receiving provider takes from us, learned from its answers: additive increase, multiplicative decrease.

Standing rules: all domains at one provider share what is learned; success raises connections one by one, one reply that
asks us to slow down (classification.Verdict.slow) halves them and, once there is one left, spaces messages out; replies
that come together because they were under way together cut once; what was learned is forgotten after a quiet time, and
with the process. No I/O; the clock is an argument.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

FIRST_CONNECTIONS = 5.0
CUT_AT_MOST_EVERY_SECONDS = 5.0
PAUSE_SECONDS = 1.0  # what was refused waits by its own schedule; this is for what else goes there
FIRST_SPACING_SECONDS = 0.5
MAX_SPACING_SECONDS = 10.0
_NO_SPACING_BELOW_SECONDS = 0.1
FORGOTTEN_AFTER_SECONDS = 3_600.0
_MAX_PROVIDERS = 20_000


class Bounds(NamedTuple):
    """connections: to one provider; connections_in_all: to all together."""

    connections: int
    connections_in_all: int


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
    """bounds: asked each time, so that a reload counts. seconds: a clock that never goes back."""

    def __init__(self, bounds: Callable[[], Bounds], seconds: Callable[[], float]) -> None:
        self._bounds = bounds
        self._seconds = seconds
        self._learned: dict[str, Learned] = {}
        self.in_use = 0

    def room(self, provider: str) -> bool:
        """Whether one more connection may be made now."""
        bounds = self._bounds()
        if self.in_use >= bounds.connections_in_all:
            return False
        return self._of(provider).in_use < self.connections(provider)

    def connections(self, provider: str) -> int:
        """How many there may be at once."""
        return max(1, min(int(self._of(provider).connections), self._bounds().connections))

    def excess(self, provider: str) -> bool:
        """Whether there are more connections than there may be now, since a cut: one that is free goes."""
        return self._of(provider).in_use > self.connections(provider)

    def opened(self, provider: str) -> None:
        self.in_use += 1
        self._of(provider).in_use += 1

    def closed(self, provider: str) -> None:
        self.in_use -= 1
        self._of(provider).in_use -= 1

    def wait(self, provider: str) -> float:
        """How long until the next message may begin: 0 for now. It counts only with `begun`."""
        return max(0.0, self._of(provider).not_before - self._seconds())

    def begun(self, provider: str) -> None:
        """A message begins."""
        learned = self._of(provider)
        if learned.spacing:
            learned.not_before = max(learned.not_before, self._seconds()) + learned.spacing

    def succeeded(self, provider: str) -> None:
        """A message was taken."""
        learned = self._of(provider)
        if learned.spacing:
            shorter = learned.spacing * 0.75
            learned.spacing = shorter if shorter >= _NO_SPACING_BELOW_SECONDS else 0.0
            learned.not_before = min(learned.not_before, self._seconds() + learned.spacing)
        elif learned.connections < self._bounds().connections:
            learned.connections += 1.0 / max(1.0, int(learned.connections))

    def slow_down(self, provider: str, why: str) -> bool:
        """A reply asked for it; whether it was not already obeyed."""
        learned, now = self._of(provider), self._seconds()
        if now - learned.last_cut < CUT_AT_MOST_EVERY_SECONDS:
            return False
        if learned.connections < 2:
            learned.spacing = min(MAX_SPACING_SECONDS, max(FIRST_SPACING_SECONDS, learned.spacing * 2))
        learned.connections = max(1.0, min(learned.connections, self._bounds().connections) / 2)
        learned.last_cut, learned.why = now, why
        learned.cuts += 1
        learned.not_before = max(learned.not_before, now + max(PAUSE_SECONDS, learned.spacing))
        return True

    def forget(self) -> None:
        """`queue flush`: everything may be tried now."""
        for learned in self._learned.values():
            fresh = Learned(in_use=learned.in_use)
            learned.connections, learned.spacing, learned.not_before = fresh.connections, 0.0, 0.0
            learned.last_cut, learned.why = fresh.last_cut, ""

    def seen(self) -> dict[str, Learned]:
        """For metrics and `queue show`: of providers that are in use or were cut."""
        return {name: each for name, each in self._learned.items() if each.in_use or each.cuts}

    def _of(self, provider: str) -> Learned:
        learned = self._learned.get(provider)
        if learned is None:
            self._make_room()
            learned = self._learned[provider] = Learned()
        elif learned.why and self._seconds() - learned.last_cut > FORGOTTEN_AFTER_SECONDS:
            learned.connections = max(learned.connections, FIRST_CONNECTIONS)
            learned.spacing, learned.why = 0.0, ""
        return learned

    def _make_room(self) -> None:
        if len(self._learned) >= _MAX_PROVIDERS:
            for name in [name for name, each in self._learned.items() if not each.in_use and not each.why]:
                del self._learned[name]
