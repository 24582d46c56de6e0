"""What must hold before anything is started: a writable data directory, a certificate, free ports.

Standing rules: every problem is found and told at once, each one line `file: dotted.key: what to do`; after a
failure nothing is left open, bound or locked.
"""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

from mailserverd.assembly.data_lock import DataInUse, DataLock
from mailserverd.assembly.tls import ServerTls, TlsProblem
from mailserverd.config.load import ConfigError
from mailserverd.config.schema import Config
from mailserverd.config.values import ListenAddress

FOLDERS = ("store", "blobs", "spool", "trace")
"""What the rooms keep in the data directory; each is made when it is first needed."""


@dataclass(slots=True)
class Prepared:
    """What the start needs and preflight has secured: bound sockets by listener, TLS, the lock."""

    lock: DataLock
    tls: ServerTls
    sockets: dict[str, list[socket.socket]] = field(default_factory=dict)

    def close(self) -> None:
        for bound in self.sockets.values():
            for each in bound:
                each.close()
        self.lock.release()


def prepare(path: Path, config: Config) -> Prepared:
    """Secure everything, or raise ConfigError with every problem. Blocking, but never for long."""
    problems = _directory_problems(config)
    lock, tls = None, None
    in_use = False
    if not problems:
        try:
            lock = DataLock(config.server.data_directory)
        except (DataInUse, OSError) as error:
            problems.append(f"server.data_directory: {config.server.data_directory} {error}")
            in_use = isinstance(error, DataInUse)
    try:
        tls = ServerTls(config.tls)
    except TlsProblem as problem:
        problems += problem.lines
    # Where another server runs on the same data, it has the ports as well.
    sockets = {} if in_use else _bind_all(config, problems)
    if lock is None or tls is None or problems:
        for bound in sockets.values():
            for each in bound:
                each.close()
        if lock is not None:
            lock.release()
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    return Prepared(lock, tls, sockets)


def problems_now(path: Path, config: Config, running: bool) -> list[str]:
    """The problems that a start would meet. running: our own daemon holds the lock and the ports; they are skipped."""
    if not running:
        try:
            prepare(path, config).close()
        except ConfigError as error:
            return error.lines
        return []
    problems = _directory_problems(config)
    try:
        ServerTls(config.tls)
    except TlsProblem as problem:
        problems += problem.lines
    return [f"{path}: {problem}" for problem in problems]


def further_problems(path: Path, error: ConfigError, running: bool) -> list[str]:
    """What else is wrong beside the file's own errors, as far as its right parts tell."""
    if error.rest is None:
        return []
    lines = problems_now(path, error.rest, running)
    return [line for line in lines if line.removeprefix(f"{path}: ").partition(".")[0] not in error.faulty]


def _directory_problems(config: Config) -> list[str]:
    folder = config.server.data_directory
    if not folder.is_dir():
        return [f"server.data_directory: {folder} is not a directory; create it, or run mailserverd init"]
    problems = []
    for inside in (folder, *(folder / name for name in FOLDERS)):
        if inside.exists() and not os.access(inside, os.W_OK | os.X_OK):
            problems.append(
                f"server.data_directory: {inside} cannot be written; give it to the user who runs the server"
            )
    log = folder / config.log.file
    if config.log.file and not os.access(log if log.exists() else log.parent, os.W_OK):
        problems.append(f"log.file: {log} cannot be written; give its folder to the user who runs the server")
    return problems


def _bind_all(config: Config, problems: list[str]) -> dict[str, list[socket.socket]]:
    sockets: dict[str, list[socket.socket]] = {}
    for name in Config.LISTENERS:
        section = getattr(config, name)
        for address in section.addresses if section.enabled else ():
            try:
                sockets.setdefault(name, []).append(_bind(address))
            except OSError as error:
                problems.append(f"{name}.addresses: {address} {_why(error)}")
    return sockets


def _bind(address: ListenAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Linux hands these two on to each accepted connection, which saves two calls a connection. Without
        # TCP_NODELAY a reply of two writes waits 40 ms for a delayed acknowledgement.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(tuple(address))
    except OSError:
        bound.close()
        raise
    return bound


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "is in use by another program; stop that one or choose another port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "may not be bound by this user; use the systemd unit, or a port above 1023"
    if error.errno == errno.EADDRNOTAVAIL:
        return "is not an address of this machine; name one that is"
    return f"cannot be bound ({error.strerror}); choose another address"
