"""What every verb shares: the invocation, and the two ways of answering.

Standing rules: see main. A verb is a click command under `@answering`; its first argument is the Invocation.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, NoReturn, ParamSpec, TypeVar

import click

from mailserverd.config.load import ConfigError, load
from mailserverd.config.schema import Config

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True)
class Invocation:
    """How the command was called."""

    config_path: Path
    as_json: bool

    def config(self) -> Config:
        """The configuration; ends the process with its errors where it has some."""
        try:
            return load(self.config_path)
        except ConfigError as error:
            self.fail(error.lines)

    def answer(self, value: object, text: str | Iterable[str]) -> None:
        """Say `value` as JSON, or `text` (one or several lines) to a person."""
        if self.as_json:
            click.echo(json.dumps(value, ensure_ascii=False, default=str))
            return
        for line in [text] if isinstance(text, str) else text:
            click.echo(line)

    def fail(self, lines: str | Iterable[str]) -> NoReturn:
        """Say what went wrong and end with status 1; with --json also as {"errors": [...]}."""
        errors = [lines] if isinstance(lines, str) else list(lines)
        if self.as_json:
            click.echo(json.dumps({"errors": errors}, ensure_ascii=False))
        for line in errors:
            click.echo(line, err=True)
        sys.exit(1)


def answering(verb: Callable[Concatenate[Invocation, P], R]) -> Callable[P, R]:
    """Gives a verb its Invocation and the option --json, which may also stand before the verb."""

    @click.option("--json", "as_json", is_flag=True, help="Answer with one JSON value.")
    @click.pass_context
    @functools.wraps(verb)
    def called(context: click.Context, /, *args: P.args, **kwargs: P.kwargs) -> R:
        invocation: Invocation = context.find_object(Invocation) or Invocation(Path("mailserverd.toml"), False)
        invocation.as_json |= bool(kwargs.pop("as_json"))
        return verb(invocation, *args, **kwargs)

    return called
