"""`mailserverd check-config`."""

from __future__ import annotations

import click

from mailserverd.assembly.data_lock import in_use
from mailserverd.assembly.preflight import problems_now
from mailserverd.cli.output import Invocation, answering


@click.command("check-config")
@answering
def command(invocation: Invocation) -> None:
    """Tell everything that would keep the server from starting: a line each, and status 1.

    While the server runs its own ports are not counted against it.
    """
    config = invocation.config()
    running = in_use(config.server.data_directory)
    if problems := problems_now(invocation.config_path, config, running):
        invocation.fail(problems)
    invocation.answer({"ok": True, "running": running}, f"{invocation.config_path}: good")
