"""`twistd [-n] mailserverd --config FILE`.

Standing rules: whatever can be wrong before the start is printed, a line each, and ends twistd with a status other
than 0 before it forks; a pid file left by a killed server is no obstacle, since the lock in the data directory
tells whether one runs.
"""

from __future__ import annotations

import atexit
import os
import resource
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorCore
from twisted.logger import ILogObserver
from twisted.python import usage
from twisted.python.components import Componentized

from mailserverd.assembly.data_lock import in_use
from mailserverd.assembly.interpreter import set_interpreter
from mailserverd.assembly.lifecycle import Lifecycle, Parts
from mailserverd.assembly.log_target import line_observer, log_path
from mailserverd.assembly.preflight import further_problems, prepare
from mailserverd.assembly.services import parts
from mailserverd.assembly.watch import watch
from mailserverd.config.load import ConfigError, load
from mailserverd.config.schema import Config
from mailserverd.telemetry.health import Health
from mailserverd.telemetry.log import LineObserver
from mailserverd.telemetry.metrics import Metrics


class Options(usage.Options):
    synopsis = "[--config FILE]"
    optParameters = [  # noqa: RUF012
        ["config", "c", os.environ.get("MAILSERVERD_CONFIG", "mailserverd.toml"), "the configuration file"],
    ]

    def postOptions(self) -> None:
        self["path"] = Path(self["config"]).absolute()
        try:
            self["loaded"] = load(self["path"])
        except ConfigError as error:
            _refuse([*error.lines, *further_problems(self["path"], error, running=False)])
        twistd: Mapping[str, Any] = self.parent or {}
        self["logfile"] = twistd.get("logfile")
        self["foreground"] = bool(twistd.get("nodaemon") or twistd.get("debug"))
        if pidfile := twistd.get("pidfile"):
            _forget_stale_pidfile(Path(pidfile), self["loaded"])


def makeService(options: Options) -> Service:
    """Called by twistd before it forks: checks everything, binds the ports, takes the lock, starts nothing."""
    from twisted.internet import reactor

    path: Path = options["path"]
    config: Config = options["loaded"]
    metrics = Metrics()
    _raise_descriptor_limit()
    _run_by_a_steady_clock(reactor)
    try:
        prepared = prepare(path, config)
        target = log_path(config, options["foreground"], options["logfile"])
        observer = line_observer(config, target, metrics)
    except ConfigError as error:
        _refuse(error.lines)
    except OSError as error:
        _refuse([f"{path}: log.file: cannot be written ({error.strerror}); choose another file"])
    if options["foreground"]:
        os.umask(0o077)
    seen = watch(config, metrics, reactor)
    tree = parts(path, config, prepared, seen, observer, reactor)
    set_interpreter()
    return MailServer(tree, seen.health, lambda: _give_up(reactor), observer)


class MailServer(Lifecycle):
    """The root service, which also makes our observer the application's log."""

    def __init__(self, tree: Parts, health: Health, give_up: Callable[[], None], observer: LineObserver) -> None:
        super().__init__(tree, health, give_up)
        self._observer = observer

    def setServiceParent(self, parent: object) -> None:
        if isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._observer)
        super().setServiceParent(parent)  # type: ignore[no-untyped-call]


def _refuse(lines: list[str]) -> NoReturn:
    raise SystemExit("\n".join(lines))


def _give_up(reactor: IReactorCore) -> None:
    """End the process with a status other than 0, after twistd has tidied up."""
    atexit.register(os._exit, 1)
    reactor.stop()


def _forget_stale_pidfile(pidfile: Path, config: Config) -> None:
    if pidfile.exists() and not in_use(config.server.data_directory):
        with suppress(OSError):
            pidfile.unlink()


def _run_by_a_steady_clock(reactor: Any) -> None:
    """Twisted's timers go by the wall clock: set back by an hour, they would all wait for an hour, and set forward,
    every time-out would be over at once."""
    assert not reactor.getDelayedCalls(), "a timer was set by the other clock"
    reactor.seconds = time.monotonic


def _raise_descriptor_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
