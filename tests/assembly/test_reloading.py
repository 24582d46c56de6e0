"""SIGHUP: all of a good file, or nothing of a bad one."""

import os
import signal
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock

from mailserverd.assembly.reloading import Reloading
from mailserverd.assembly.self_signed import write_self_signed
from mailserverd.assembly.tls import ServerTls
from mailserverd.config.load import load
from mailserverd.config.schema import Config

MINIMAL = '[server]\nhostname = "mail.example.org"\ndata_directory = "data"\n'


class Running:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "m.toml"
        self.path.write_text(MINIMAL)
        write_self_signed(folder / "tls/certificate.pem", folder / "tls/private_key.pem", "mail.example.org")
        config = load(self.path)
        self.tls = ServerTls(config.tls)
        self.reactor = MemoryReactorClock()
        self.reloading = Reloading(self.path, config, self.tls, self.reactor)  # type: ignore[arg-type]
        self.told: list[Config] = []
        self.reloading.tell(self.told.append)


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(tmp_path)


def test_users_are_told_of_what_may_change(running: Running) -> None:
    running.path.write_text(MINIMAL + "[limits]\nmax_connections = 7\n[store]\nzstd_level = 9\n")
    assert running.reloading.reload() == []
    assert [config.limits.max_connections for config in running.told] == [7]
    assert running.told[0].store.zstd_level == 1
    assert running.reloading.config is running.told[0]


def test_an_error_in_the_file_changes_nothing(running: Running) -> None:
    running.path.write_text(MINIMAL + "[limits]\nmax_connections = 7\nmax_conections = 8\n")
    assert running.reloading.reload() == [
        f"{running.path}: limits.max_conections: unknown key; did you mean max_connections?"
    ]
    assert running.told == []


def test_a_bad_certificate_changes_nothing(running: Running) -> None:
    running.path.write_text(MINIMAL + "[limits]\nmax_connections = 7\n")
    (running.path.parent / "tls/certificate.pem").write_text("")
    context = running.tls._context
    assert "tls.certificate" in running.reloading.reload()[0]
    assert running.told == []
    assert running.tls._context is context


def test_one_who_fails_keeps_the_others_not_from_being_told(running: Running) -> None:
    def fail(config: Config) -> None:
        raise RuntimeError("no")

    reloading = Reloading(running.path, running.reloading.config, running.tls, running.reactor)  # type: ignore[arg-type]
    reloading.tell(fail)
    reloading.tell(running.told.append)
    assert reloading.reload() == []
    assert len(running.told) == 1


def test_the_signal_asks_the_reactor_and_goes_with_the_part(running: Running) -> None:
    before = signal.getsignal(signal.SIGHUP)
    asked: list[object] = []
    running.reactor.callFromThread = asked.append  # type: ignore[method-assign]
    Deferred.fromCoroutine(running.reloading.start())
    os.kill(os.getpid(), signal.SIGHUP)
    assert asked == [running.reloading.reload]
    Deferred.fromCoroutine(running.reloading.stop())
    assert signal.getsignal(signal.SIGHUP) == before
