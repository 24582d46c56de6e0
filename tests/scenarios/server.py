"""The real process on loopback: `mailserverd init` into a folder, `twistd -n mailserverd`, and what to do with it.

    with MailServer(tmp_path, accounts={"alice@example.org": "secret"}) as server:
        smtplib.SMTP("127.0.0.1", server.port("smtp"))

Standing rules: nothing sleeps: a start is over when the server logs that it is ready; a process is signalled by its
own number only; two servers at once get different ports; no name is asked of anybody unless a test says of whom.
"""

from __future__ import annotations

import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread, Timer
from types import TracebackType
from typing import Any, Self

from mailserverd.assembly.first_accounts import add_first
from mailserverd.assembly.offline import offline
from mailserverd.cli.admin_client import asked_of_server
from mailserverd.cli.init import STANDARD_PORTS
from mailserverd.config.load import load
from mailserverd.config.render import toml_value
from mailserverd.config.schema import Config

ROOT = Path(__file__).parents[2]
TWISTD = (sys.executable, "-c", "from twisted.scripts.twistd import run; run()")
CLI = (sys.executable, "-m", "mailserverd.cli.main")
START_SECONDS = 60
NO_NAMESERVER = "127.0.0.1:9"  # nobody is asked anything beyond loopback
STOP_SECONDS = 60

Settings = Mapping[str, Mapping[str, object]]


class MailServer:
    """One server in one folder. settings: keys to set over those of init, by section. program: runs as twistd."""

    program: tuple[str, ...] = TWISTD

    def __init__(
        self,
        folder: Path,
        accounts: Mapping[str, str] | None = None,
        settings: Settings | None = None,
        domain: str = "example.org",
    ) -> None:
        self.folder = folder
        self.domain = domain
        self.config_path = folder / "mailserverd.toml"
        self.process: subprocess.Popen[str] | None = None
        self.output: list[str] = []
        self._reader: Thread | None = None
        self.offset, claims = _claimed_offset()
        weakref.finalize(self, _give_up, claims)
        self.cli(
            "init", str(folder), "--domain", domain, "--hostname", f"mail.{domain}", "--port-offset", str(self.offset)
        )
        self.set("dns", nameservers=[NO_NAMESERVER])
        for section, values in (settings or {}).items():
            self.set(section, **values)
        if accounts:
            self.add_accounts(accounts)

    # Before the start

    def set(self, section: str, **values: object) -> None:
        """Set keys in the file, each of which stands there once."""
        text = self.config_path.read_text()
        for key, value in values.items():
            pattern = re.compile(rf"(\[{section}\]\n(?:(?!\[).*\n)*?)#?{key} = .*\n")
            text, count = pattern.subn(
                lambda found, key=key, value=value: f"{found[1]}{key} = {toml_value(value)}\n", text
            )
            assert count == 1, f"{section}.{key} stands {count} times in {self.config_path}"
        self.config_path.write_text(text)

    def add_accounts(self, passwords: Mapping[str, str]) -> None:
        """While the server is down."""
        config = load(self.config_path)
        offline(config, lambda backends, reactor: add_first(backends, config, self.domain, passwords))

    # Asking

    @property
    def config(self) -> Config:
        return load(self.config_path)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def port(self, listener: str) -> int:
        return STANDARD_PORTS[listener] + self.offset

    def cli(self, *arguments: str, input: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `mailserverd` with this server's configuration."""
        return subprocess.run(
            [*CLI, "--config", str(self.config_path), *arguments],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            check=check,
            cwd=ROOT,
            env=_environment(),
        )

    # Running

    def ask(self, verb: str, **arguments: object) -> Any:
        """What a verb answers, over the admin socket of the running server: without the start of a command."""
        return asked_of_server(self.config, verb, arguments)

    def start(self, *wrapper: str) -> Self:
        """Returns when the server is ready, at once where it is. wrapper: a command that runs ours, such as strace."""
        if self.process is not None:
            return self
        self.process = subprocess.Popen(
            [
                *wrapper,
                *self.program,
                "-n",
                f"--pidfile={self.folder / 'twistd.pid'}",
                "mailserverd",
                "--config",
                str(self.config_path),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=ROOT,
            env=_environment(),
        )
        self._await_ready()
        return self

    def _await_ready(self) -> None:
        process = self.process
        assert process is not None
        assert process.stdout is not None
        watchdog = Timer(START_SECONDS, process.kill)
        watchdog.start()
        try:
            for line in process.stdout:
                self.output.append(line)
                if line.endswith((" assembly.lifecycle ready\n", '"room": "assembly.lifecycle", "event": "ready"}\n')):
                    break
            else:
                raise AssertionError(f"the server ended with {process.wait()}:\n{''.join(self.output[-50:])}")
        finally:
            watchdog.cancel()
        self._reader = Thread(target=self._read_on, args=(process,), daemon=True)
        self._reader.start()

    def _read_on(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.output.extend(process.stdout)

    @property
    def pid(self) -> int:
        """The server's own process, not that of a wrapper."""
        return int((self.folder / "twistd.pid").read_text())

    def stop(self) -> int:
        """SIGTERM, and wait for the orderly end; the exit status (-15: twistd ends by the signal that it was sent)."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9, at whatever it is doing."""
        self._end(signal.SIGKILL)

    def reload(self) -> None:
        os.kill(self.pid, signal.SIGHUP)

    def _end(self, number: signal.Signals) -> int:
        process, self.process = self.process, None
        assert process is not None
        try:
            if process.poll() is None:
                os.kill(self.pid, number)
            status = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the server did not stop:\n{''.join(self.output[-50:])}") from None
        finally:
            if self._reader is not None:
                self._reader.join()
            if process.stdout is not None:
                process.stdout.close()
        return status

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.stop()
        if error is not None:
            print("".join(self.output[-200:]))


def until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    """Ask again and again; each time another process has had its turn."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        select.select([], [], [], 0.01)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "", "PYTHONUNBUFFERED": "1"}


def _free_offset() -> int:
    """An offset at which every standard port is free now."""
    offset, claims = _claimed_offset()
    _give_up(claims)
    return offset


def _claimed_offset() -> tuple[int, list[int]]:
    """An offset at which every standard port is free, and what keeps other tests from those ports: names of which the
    kernel lets one process have each, as descriptors."""
    for _ in range(100):
        offset = random.randrange(11000, 22000)
        claims: list[int] = []
        if all(_is_free(port + offset) and _claim(port + offset, claims) for port in STANDARD_PORTS.values()):
            return offset, claims
        _give_up(claims)
    raise AssertionError("no free ports")


def _claim(port: int, claims: list[int]) -> bool:
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0mailserverd-test-port-{port}")
    except OSError:
        name.close()
        return False
    claims.append(name.detach())
    return True


def _give_up(claims: list[int]) -> None:
    for descriptor in claims:
        os.close(descriptor)


def free_port() -> int:
    """A port that is free now, for a program that a test starts beside the server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
