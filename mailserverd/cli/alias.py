"""`mailserverd alias add/list/show/set/remove`. Standing rules: see main."""

from __future__ import annotations

from typing import Any

import click

from mailserverd.cli.admin_client import ask
from mailserverd.cli.output import Invocation, answering


@click.group("alias")
def command() -> None:
    """Addresses that lead to accounts of this server, or to addresses elsewhere, to one or to several."""


@command.command("add")
@click.argument("address")
@click.argument("targets", nargs=-1, required=True)
@answering
def add(invocation: Invocation, address: str, targets: tuple[str, ...]) -> None:
    """Let mail for ADDRESS go to TARGETS: accounts, other aliases, or addresses at other servers (forwarded to)."""
    made = ask(invocation, "alias add", address=address, targets=targets)
    invocation.answer(made, f"alias {_line(made)} added")


@command.command("list")
@click.option("--domain", help="Only those of this domain.")
@answering
def list_(invocation: Invocation, domain: str | None) -> None:
    """All aliases, by address."""
    found = ask(invocation, "alias list", domain=domain)
    invocation.answer(found, (_line(alias) for alias in found))


@command.command("show")
@click.argument("address")
@answering
def show(invocation: Invocation, address: str) -> None:
    """One alias."""
    found = ask(invocation, "alias show", address=address)
    invocation.answer(found, _line(found))


@command.command("set")
@click.argument("address")
@click.argument("targets", nargs=-1, required=True)
@answering
def set_(invocation: Invocation, address: str, targets: tuple[str, ...]) -> None:
    """Give an alias other targets."""
    changed = ask(invocation, "alias set", address=address, targets=targets)
    invocation.answer(changed, f"alias {_line(changed)} changed")


@command.command("remove")
@click.argument("address")
@answering
def remove(invocation: Invocation, address: str) -> None:
    """Remove an alias."""
    gone = ask(invocation, "alias remove", address=address)
    invocation.answer(gone, f"alias {gone['removed']} removed")


def _line(alias: dict[str, Any]) -> str:
    return f"{alias['address']} -> {', '.join(alias['targets'])}"
