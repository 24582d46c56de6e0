"""`mailserverd check-config`."""

from __future__ import annotations

import click

from mailserverd.assembly.data_lock import in_use
from mailserverd.assembly.preflight import further_problems, problems_now
from mailserverd.cli.output import Invocation, answering
from mailserverd.config.load import ConfigError, load


@click.command("check-config")
@answering
def command(invocation: Invocation) -> None:
    """Tell everything that would keep the server from starting: a line each, and status 1.

    While the server runs its own ports are not counted against it.
    """
    path = invocation.config_path
    try:
        config = load(path)
    except ConfigError as error:
        running = error.rest is not None and in_use(error.rest.server.data_directory)
        invocation.fail([*error.lines, *further_problems(path, error, running)])
    running = in_use(config.server.data_directory)
    if problems := problems_now(path, config, running):
        invocation.fail(problems)
    invocation.answer({"ok": True, "running": running}, f"{path}: good")
