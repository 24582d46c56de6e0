"""SIGHUP: read the file again and hand what may change to whoever uses it.

Standing rules: a file with an error, or a certificate that cannot be used, changes nothing at all; sessions go on;
what needs a restart is named in the log.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from mailserverd.assembly.tls import ServerTls, TlsProblem
from mailserverd.config.load import ConfigError, load
from mailserverd.config.reload import merged
from mailserverd.config.schema import Config

log = Logger()


class Reloading:
    """The part that listens for SIGHUP."""

    name = "reloading"

    def __init__(self, path: Path, config: Config, tls: ServerTls, reactor: IReactorFromThreads) -> None:
        self.config = config
        self._path, self._tls, self._reactor = path, tls, reactor
        self._users: list[Callable[[Config], object]] = []
        self._before: signal.Handlers | int | Callable[[int, FrameType | None], object] | None = None

    def tell(self, user: Callable[[Config], object]) -> None:
        """Call `user` with the new configuration at each reload."""
        self._users.append(user)

    async def start(self) -> None:
        self._before = signal.signal(signal.SIGHUP, self._on_signal)

    async def stop(self) -> None:
        signal.signal(signal.SIGHUP, self._before)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(self.reload)

    def reload(self) -> list[str]:
        """Returns what kept the file from being used, a line each; empty when it is in use now."""
        try:
            wanted, waiting = merged(self.config, load(self._path))
            self._tls.reload(wanted.tls)
        except ConfigError as error:
            return self._kept(error.lines)
        except TlsProblem as problem:
            return self._kept([f"{self._path}: {line}" for line in problem.lines])
        self.config = wanted
        for user in self._users:
            try:
                user(wanted)
            except Exception:
                log.failure("a part of the server did not take the new configuration")
        for key in waiting:
            log.warn("this change waits for a restart", key=key)
        log.info("configuration reloaded", file=self._path)
        return []

    def _kept(self, lines: list[str]) -> list[str]:
        for line in lines:
            log.error("the old configuration stays in use", why=line)
        return lines
