"""`mailserverd dkim create/list/rotate/retire`. Standing rules: see main."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from mailserverd.cli.admin_client import ask
from mailserverd.cli.moment import moment
from mailserverd.cli.output import Invocation, answering
from mailserverd.wire.zone.record import Record

TTL_SECONDS = 3600


@click.group("dkim")
def command() -> None:
    """The keys that mail is signed with: RSA and Ed25519, side by side."""


@command.command("create")
@click.argument("domain")
@answering
def create(invocation: Invocation, domain: str) -> None:
    """Make the first keys of DOMAIN. They sign at once; publish their records."""
    made = ask(invocation, "dkim create", domain=domain)
    invocation.answer(made, [f"{made['domain']} signs with key {made['key']}; publish:", *_records(made)])


@command.command("list")
@click.argument("domain", required=False, default="")
@answering
def list_(invocation: Invocation, domain: str) -> None:
    """All keys, or those of DOMAIN, with their states."""
    found = ask(invocation, "dkim list", domain=domain)
    invocation.answer(found, (_line(each) for each in found))


@command.command("rotate")
@click.argument("domain")
@click.option("--activate", is_flag=True, help="Let the new keys sign now, whatever the DNS says.")
@answering
def rotate(invocation: Invocation, domain: str, activate: bool) -> None:
    """Make new keys for DOMAIN beside the old ones. They sign once their records were in the DNS for an hour."""
    found = ask(invocation, "dkim rotate", domain=domain, activate=activate)
    invocation.answer(found, _rotated(found))


@command.command("retire")
@click.argument("domain")
@click.option("--key", default="", help="Only this one, which may also be a new one that is not wanted.")
@answering
def retire(invocation: Invocation, domain: str, key: str) -> None:
    """Remove the keys of DOMAIN that sign no more. Mail that is still on its way can no longer be verified."""
    gone = ask(invocation, "dkim retire", domain=domain, key=key)
    lines = [f"{each} may be removed from the DNS" for each in gone["records_to_remove"]]
    invocation.answer(gone, [f"{gone['domain']}: removed {', '.join(gone['removed'])}", *lines])


def _records(row: dict[str, Any]) -> Iterator[str]:
    for each in row["records"]:
        yield Record(each["name"], each["type"], each["value"], "").line(TTL_SECONDS)


def _rotated(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield _line(row)
        if row["state"] == "new":
            yield "publish:"
            yield from _records(row)


def _line(row: dict[str, Any]) -> str:
    text = f"{row['domain']}  {row['key']:<10}  {row['state']:<8}  since {moment(row['since'])}"
    if row["published_since"]:
        text += f"  in the DNS since {moment(row['published_since'])}"
    if row["removable_at"]:
        text += f"  keep its records until {moment(row['removable_at'])}"
    return text
