"""What the server says of itself on its monitoring port."""

import urllib.request
from collections import deque
from collections.abc import Callable

from tests.scenarios.server import MailServer

SAME_READINGS = 25  # of polls some ten milliseconds apart


def gauge(server: MailServer, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port('metrics')}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"mailserverd_{name} "))


def has_stopped_writing(server: MailServer) -> Callable[[], bool]:
    """For `until`: what the server holds for clients that don't read is there, and has not changed for a while."""
    seen: deque[float] = deque(maxlen=SAME_READINGS)

    def holds() -> bool:
        seen.append(gauge(server, "unsent_bytes"))
        return len(seen) == SAME_READINGS and seen[0] > 0 and len(set(seen)) == 1

    return holds
