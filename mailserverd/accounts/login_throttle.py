"""How late a failed login is answered: min(base x 2^k, most), k = earlier failures; by default 50 ms x 2^k, 5 s.

Standing rules: counted by (name, address) and by address, the later of both holds; never by name alone, so nobody can
keep the owner of an account out from elsewhere; a right password is never made to wait; the tables are bounded and
the oldest entries go first. IPv6 addresses count by /64 (network_of).
"""

from collections import OrderedDict
from collections.abc import Callable, Container

from mailserverd.model.networks import network_of

MAX_ENTRIES = 20_000
_MAX_DOUBLINGS = 20
_MAX_NAME = 512


class LoginThrottle:
    """seconds: a monotonic clock. base_seconds and the like: see configure(). exempt: [limits] exempt_networks."""

    __slots__ = ("_addresses", "_base_seconds", "_exempt", "_forget_seconds", "_max_seconds", "_pairs", "_seconds")

    def __init__(self, seconds: Callable[[], float], exempt: Container[str] = ()) -> None:
        self._seconds = seconds
        self._addresses = _Failures()
        self._pairs = _Failures()
        self.configure(exempt=exempt)

    def configure(
        self,
        base_seconds: float = 0.05,
        max_seconds: float = 5.0,
        forget_seconds: float = 900.0,
        exempt: Container[str] = (),
    ) -> None:
        """The settings of [login] throttle_*; may change while the server runs."""
        self._base_seconds = base_seconds
        self._max_seconds = max_seconds
        self._forget_seconds = forget_seconds
        self._exempt = exempt

    def failed(self, name: str, address: str) -> float:
        """Count a failure; the seconds to wait before it is answered."""
        if address in self._exempt:
            return 0.0
        now, network = self._seconds(), network_of(address)
        forgotten = now - self._forget_seconds
        earlier = max(
            self._addresses.count(network, now, forgotten),
            self._pairs.count(_pair(name, network), now, forgotten),
        )
        return min(self._base_seconds * 2.0 ** min(earlier, _MAX_DOUBLINGS), self._max_seconds)

    def succeeded(self, name: str, address: str) -> None:
        """The owner came in from there: his own typing errors are forgiven, the address's other guesses are not."""
        if self._pairs:
            self._pairs.pop(_pair(name, network_of(address)), None)


def _pair(name: str, network: str) -> str:
    return f"{name[:_MAX_NAME]}\0{network}"


class _Failures(OrderedDict[str, tuple[int, float]]):
    """key -> (failures, time of the last), least recently failed first."""

    def count(self, key: str, now: float, forgotten: float) -> int:
        """Add a failure and give the number of those before it; all count while the last is after `forgotten`."""
        failures, last = self.get(key, (0, now))
        if last <= forgotten:
            failures = 0
        self[key] = (failures + 1, now)
        self.move_to_end(key)
        if len(self) > MAX_ENTRIES:
            self.popitem(last=False)
        return failures
