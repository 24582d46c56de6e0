"""`mailserverd account app-password add/list/remove`. Standing rule: a generated password is shown once."""

from __future__ import annotations

import click

from mailserverd.cli.admin_client import ask
from mailserverd.cli.moment import moment
from mailserverd.cli.output import Invocation, answering


@click.group("app-password")
def app_password() -> None:
    """Passwords for single programs, that can be taken back one by one."""


@app_password.command("add")
@click.argument("address")
@click.argument("label")
@answering
def add(invocation: Invocation, address: str, label: str) -> None:
    """Make a password for the program LABEL and show it, this once."""
    made = ask(invocation, "account app-password add", address=address, label=label)
    invocation.answer(made, [f"app password {made['label']} of {made['address']}: {made['password']}", "(shown once)"])


@app_password.command("list")
@click.argument("address")
@answering
def list_(invocation: Invocation, address: str) -> None:
    """The labels, and when each was made and last used."""
    found = ask(invocation, "account app-password list", address=address)
    invocation.answer(
        found,
        (f"{each['label']}  made {moment(each['created_at'])}  used {_used(each['last_used_at'])}" for each in found),
    )


@app_password.command("remove")
@click.argument("address")
@click.argument("label")
@answering
def remove(invocation: Invocation, address: str, label: str) -> None:
    """Take a password back. Whoever uses it cannot log in from that moment on."""
    gone = ask(invocation, "account app-password remove", address=address, label=label)
    invocation.answer(gone, f"app password {gone['removed']} of {gone['address']} removed")


def _used(seconds: int | None) -> str:
    return "never" if seconds is None else moment(seconds)
