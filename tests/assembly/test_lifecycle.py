"""Parts start in order, stop in the reverse order, and each is waited for."""

import pytest
from twisted.internet.defer import Deferred

from mailserverd.assembly.lifecycle import Lifecycle, Parts, StartFailed, Step
from mailserverd.telemetry.health import Health


class Recorded:
    """Writes down what happens; each call may wait or raise."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self.name = name
        self.seen = seen
        self.start_waits: Deferred[None] | None = None
        self.stop_waits: Deferred[None] | None = None
        self.start_error: Exception | None = None
        self.stop_error: Exception | None = None

    async def start(self) -> None:
        self.seen.append(f"+{self.name}")
        if self.start_waits is not None:
            await self.start_waits
        if self.start_error is not None:
            raise self.start_error

    async def stop(self) -> None:
        self.seen.append(f"-{self.name}")
        if self.stop_waits is not None:
            await self.stop_waits
        if self.stop_error is not None:
            raise self.stop_error


class Server:
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.a, self.b, self.c = (Recorded(name, self.seen) for name in "abc")
        self.health = Health()
        self.gave_up = 0
        self.service = Lifecycle(Parts("all", [self.a, self.b, self.c]), self.health, self.give_up)

    def give_up(self) -> None:
        self.gave_up += 1


def test_in_order_and_back() -> None:
    server = Server()
    server.service.startService()
    assert server.health.problems() == {}
    stopped = server.service.stopService()
    assert server.seen == ["+a", "+b", "+c", "-c", "-b", "-a"]
    assert stopped.called
    assert server.health.problems() == {"server": "stopping"}


def test_each_waits_for_the_one_before() -> None:
    server = Server()
    server.a.start_waits = Deferred()
    server.service.startService()
    assert server.seen == ["+a"]
    assert server.health.problems() == {"server": "starting"}
    server.a.start_waits.callback(None)
    assert server.seen == ["+a", "+b", "+c"]
    server.c.stop_waits = Deferred()
    stopped = server.service.stopService()
    assert server.seen[3:] == ["-c"]
    assert not stopped.called
    server.c.stop_waits.callback(None)
    assert server.seen[3:] == ["-c", "-b", "-a"]
    assert stopped.called


def test_a_part_that_cannot_stop_keeps_nobody_from_stopping() -> None:
    server = Server()
    server.c.stop_error = RuntimeError("no")
    server.service.startService()
    assert server.service.stopService().called
    assert server.seen[3:] == ["-c", "-b", "-a"]


def test_a_part_that_cannot_start_while_twistd_waits() -> None:
    server = Server()
    server.b.start_error = RuntimeError("no store here")
    with pytest.raises(StartFailed, match="no store here"):
        server.service.startService()
    assert server.seen == ["+a", "+b", "-a"]
    assert server.gave_up == 0


def test_a_part_that_cannot_start_later_ends_the_process() -> None:
    server = Server()
    server.b.start_waits = Deferred()
    server.b.start_error = RuntimeError("no")
    server.service.startService()
    server.b.start_waits.callback(None)
    assert server.seen == ["+a", "+b", "-a"]
    assert server.gave_up == 1
    assert server.health.problems() == {"server": "failed to start"}


def test_stopping_while_starting_waits_for_the_start() -> None:
    server = Server()
    server.b.start_waits = Deferred()
    server.service.startService()
    stopped = server.service.stopService()
    assert not stopped.called
    server.b.start_waits.callback(None)
    assert stopped.called
    assert server.seen == ["+a", "+b", "+c", "-c", "-b", "-a"]


def test_a_step_of_functions() -> None:
    seen: list[str] = []
    parts = Parts("all", [Step("x", lambda: seen.append("start"), lambda: seen.append("stop")), Step("nothing")])
    Deferred.fromCoroutine(parts.start())
    Deferred.fromCoroutine(parts.stop())
    assert seen == ["start", "stop"]
