"""Somebody who just reads mail while others attack: how late are his answers, and what does the server hold meanwhile?

    with Bystander(server) as bystander:
        attack(server)
    bystander.held_octets_below(32 << 20)
    bystander.was_served()

Standing rule: two busy cores are shared with the attacker, so bounds on time are wide enough for that and no wider.
"""

import time
from threading import Event, Thread
from types import TracebackType
from typing import Self

from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.hostile.memory import rss_anon
from tests.scenarios.server import MailServer

USER, PASSWORD = "bystander@example.org", "secret"
PAUSE_SECONDS = 0.002


class Bystander:
    """A second session of another account, always asking NOOP. The account must be there, with PASSWORD."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._talk = Conversation(server, "imap", timeout=60)
        self._talk.until(b"* OK")
        self._talk.ask(f"a LOGIN {USER} {PASSWORD}".encode(), b"a OK")
        self._talk.ask(b"a SELECT INBOX", b"a OK")
        self._over = Event()
        self._thread = Thread(target=self._look, daemon=True)
        self._failure: BaseException | None = None
        self.seconds: list[float] = []
        self.before = self.most = rss_anon(server.pid)

    def _look(self) -> None:
        try:
            while True:
                began = time.perf_counter()
                self._talk.ask(b"b NOOP", b"b OK")
                self.seconds.append(time.perf_counter() - began)
                self.most = max(self.most, rss_anon(self._server.pid))
                if self._over.wait(PAUSE_SECONDS):
                    break
        except BaseException as failure:
            self._failure = failure

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(60)
        self._talk.close()

    def held_octets_below(self, octets: int) -> None:
        assert self.most - self.before < octets, f"the server grew by {(self.most - self.before) >> 20} MiB"

    def was_served(self, p99_milliseconds: float = 50, most_milliseconds: float = 500) -> None:
        assert self._failure is None, self._failure
        ordered = sorted(self.seconds)
        assert ordered, "not one answer"
        p99, most = ordered[len(ordered) * 99 // 100] * 1000, ordered[-1] * 1000
        if len(ordered) >= 100:
            assert p99 < p99_milliseconds, f"p99 of {len(ordered)} answers: {p99:.1f} ms"
        assert most < most_milliseconds, f"the last of {len(ordered)} answers took {most:.1f} ms"
