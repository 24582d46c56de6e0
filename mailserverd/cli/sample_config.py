"""`mailserverd sample-config`."""

from __future__ import annotations

import click

from mailserverd.cli.output import Invocation, answering
from mailserverd.config.render import sample


@click.command("sample-config")
@answering
def command(invocation: Invocation) -> None:
    """Print a configuration file with every key, set or commented with its default."""
    text = sample()
    invocation.answer({"toml": text}, text.rstrip("\n"))
