"""`mailserverd domain add/list/show/set/remove`. Standing rules: see main."""

from __future__ import annotations

from typing import Any

import click

from mailserverd.cli.admin_client import ask
from mailserverd.cli.output import Invocation, answering


@click.group("domain")
def command() -> None:
    """Domains that mail is taken for. The first is the one that login names without "@" mean."""


@command.command("add")
@click.argument("name")
@click.option("--catch-all", help="An account or alias that takes what no other name of the domain does.")
@answering
def add(invocation: Invocation, name: str, catch_all: str | None) -> None:
    """Take mail for the domain NAME."""
    made = ask(invocation, "domain add", name=name, catch_all=catch_all)
    invocation.answer(made, f"domain {made['name']} added")


@command.command("list")
@answering
def list_(invocation: Invocation) -> None:
    """All domains, the first one first."""
    found = ask(invocation, "domain list")
    invocation.answer(found, (_line(domain) for domain in found))


@command.command("show")
@click.argument("name")
@answering
def show(invocation: Invocation, name: str) -> None:
    """One domain."""
    found = ask(invocation, "domain show", name=name)
    invocation.answer(found, _line(found))


@command.command("set")
@click.argument("name")
@click.option("--catch-all", help='An account or alias, or "none".')
@click.option("--first", is_flag=True, help='Make it the domain that login names without "@" mean.')
@answering
def set_(invocation: Invocation, name: str, catch_all: str | None, first: bool) -> None:
    """Change a domain."""
    wanted = "" if catch_all == "none" else catch_all
    changed = ask(invocation, "domain set", name=name, catch_all=wanted, first=first)
    invocation.answer(changed, f"domain {changed['name']} changed")


@command.command("remove")
@click.argument("name")
@answering
def remove(invocation: Invocation, name: str) -> None:
    """Take no more mail for the domain. It must have no accounts and aliases any more."""
    gone = ask(invocation, "domain remove", name=name)
    invocation.answer(gone, f"domain {gone['removed']} removed")


def _line(domain: dict[str, Any]) -> str:
    return f"{domain['name']}  catch-all {domain['catch_all']}" if domain["catch_all"] else str(domain["name"])
