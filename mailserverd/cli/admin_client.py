"""How a verb reaches what the server has: over the admin socket while it runs, else by itself.

Standing rules: the socket is tried first; only when nobody listens there is the data lock taken (that it can be had
is the proof that the server is down); a server that is starting or stopping is waited for a few seconds.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import Any

from mailserverd.accounts.administration import VerbRefused
from mailserverd.assembly.admin_socket import SOCKET_NAME
from mailserverd.assembly.administration import call_offline
from mailserverd.assembly.data_lock import DataInUse
from mailserverd.cli.output import Invocation
from mailserverd.config.schema import Config

ATTEMPTS = 20
PAUSE_SECONDS = 0.25
_RECEIVE_OCTETS = 1024 * 1024


def ask(invocation: Invocation, verb: str, **arguments: Any) -> Any:
    """The JSON value that the verb gives; ends the process with one line where it gives none."""
    config = invocation.config()
    try:
        return call(config, verb, arguments)
    except VerbRefused as error:
        invocation.fail(str(error))
    except DataInUse as error:
        invocation.fail(f"{config.server.data_directory} {error}")
    except OSError as error:
        invocation.fail(f"{error.filename or config.server.data_directory}: {error.strerror or error}")
    except Exception as error:  # the store could not be opened, which says why in one line
        invocation.fail(f"{type(error).__name__}: {error}")


def call(config: Config, verb: str, arguments: dict[str, Any], pause: Callable[[float], None] = sleep) -> Any:
    """Raises VerbRefused, DataInUse, OSError, UnusableStore."""
    directory = config.server.data_directory
    for attempt in range(ATTEMPTS):
        connection = connected(directory)
        if connection is not None:
            with connection:
                return _asked(connection, verb, arguments)
        try:
            return call_offline(config, verb, arguments)
        except DataInUse:
            if attempt == ATTEMPTS - 1:
                raise
        pause(PAUSE_SECONDS)
    raise AssertionError("the last attempt returns or raises")


def asked_of_server(config: Config, verb: str, arguments: dict[str, Any]) -> Any:
    """As call, but None where the server is down. Raises VerbRefused, OSError."""
    connection = connected(config.server.data_directory)
    if connection is None:
        return None
    with connection:
        return _asked(connection, verb, arguments)


def connected(directory: Path) -> socket.socket | None:
    """A connection to the running server, or None where nobody listens. Raises OSError (not ours to ask)."""
    try:
        descriptor = os.open(directory, os.O_DIRECTORY | os.O_PATH)
    except FileNotFoundError:
        raise FileNotFoundError(2, "is not there; run mailserverd init first", str(directory)) from None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(f"/proc/self/fd/{descriptor}/{SOCKET_NAME}")  # a long path does not fit (unix(7))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise OSError(error.errno, error.strerror, str(directory / SOCKET_NAME)) from error
    finally:
        os.close(descriptor)
    return connection


def _asked(connection: socket.socket, verb: str, arguments: dict[str, Any]) -> Any:
    request = json.dumps({"verb": verb, "arguments": arguments}, ensure_ascii=False)
    with suppress(BrokenPipeError, ConnectionResetError):  # refused before it was read: the answer says why
        connection.sendall(request.encode() + b"\n")
    chunks: list[bytes] = []
    while not chunks or not chunks[-1].endswith(b"\n"):
        try:
            chunk = connection.recv(_RECEIVE_OCTETS)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            raise VerbRefused("the server stopped before it answered; look whether it was done, and ask again")
        chunks.append(chunk)
    answer = json.loads(b"".join(chunks))
    if "error" in answer:
        raise VerbRefused(answer["error"])
    return answer["result"]
