"""`mailserverd suppression list/show/add/remove`. Standing rules: see main."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from mailserverd.cli.admin_client import ask
from mailserverd.cli.output import Invocation, answering


@click.group("suppression")
def command() -> None:
    """Addresses elsewhere that nothing is sent to."""


@command.command("list")
@click.option("--limit", type=click.IntRange(min=1), help="One page of so many; all where it is not given.")
@click.option("--after", default="", help="The cursor that the page before ended with.")
@answering
def list_(invocation: Invocation, limit: int | None, after: str) -> None:
    """What is on the list, by address."""
    rows: list[dict[str, Any]] = []
    while True:
        answer = ask(invocation, "suppression list", after=after, limit=limit or 500)
        rows += answer["rows"]
        after = answer["after"]
        if not after or limit is not None:
            break
    lines = [_line(row) for row in rows]
    if after:
        lines.append(f"more: --after {after}")
    invocation.answer({"rows": rows, "after": after} if limit is not None else rows, lines)


@command.command("show")
@click.argument("address")
@answering
def show(invocation: Invocation, address: str) -> None:
    """Why nothing is sent to ADDRESS."""
    rows = ask(invocation, "suppression list", address=address)["rows"]
    if not rows:
        invocation.fail(f"{address} is not on the suppression list")
    invocation.answer(rows, [_line(row) for row in rows])


@command.command("add")
@click.argument("address")
@click.option("--days", type=click.IntRange(min=0), default=0, help="For so long; 0, the default: for ever.")
@click.option("--why", default="", help="A line about the reason.")
@click.option("--account", default="", help="Only for mail of this account.")
@click.option("--class", "mail_class", default="", help="Only for this class of the account's mail.")
@click.option("--allow", is_flag=True, help="The opposite: send there, whatever is reported of it.")
@answering
def add(invocation: Invocation, address: str, days: int, why: str, account: str, mail_class: str, allow: bool) -> None:
    """Send nothing to ADDRESS any more, or with --allow send in spite of what is reported."""
    made = ask(
        invocation,
        "suppression add",
        address=address,
        days=days,
        why=why,
        account=account,
        mail_class=mail_class,
        allow=allow,
    )
    invocation.answer(made, _line(made))


@command.command("remove")
@click.argument("address")
@answering
def remove(invocation: Invocation, address: str) -> None:
    """Take ADDRESS off the list: mail to it goes out again until the next report."""
    gone = ask(invocation, "suppression remove", address=address)
    invocation.answer(gone, f"{gone['address']} is no longer suppressed")


def _line(row: dict[str, Any]) -> str:
    parts = [row["address"], "allowed" if row["allowed"] else row["reason"], f"since {_day(row['since'])}"]
    if row["expires"]:
        parts.append(f"until {_day(row['expires'])}")
    if row["account"]:
        parts.append(f"for {row['account']}" + (f" class {row['class']}" if row["class"] else ""))
    if row["detail"]:
        parts.append(f"({row['detail']})")
    return "  ".join(parts)


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
