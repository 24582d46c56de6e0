"""`mailserverd config-docs`."""

from __future__ import annotations

import click

from mailserverd.cli.output import Invocation, answering
from mailserverd.config.render import manual


@click.command("config-docs")
@answering
def command(invocation: Invocation) -> None:
    """Print the manual of the configuration, in Markdown."""
    text = manual()
    invocation.answer({"markdown": text}, text.rstrip("\n"))
