"""`mailserverd dns DOMAIN`. Standing rules: see main; what it prints is a piece of a zone file, advice as comments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from mailserverd.cli.admin_client import ask
from mailserverd.cli.output import Invocation, answering
from mailserverd.wire.zone.record import Record

TTL_SECONDS = 3600


@click.command("dns")
@click.argument("domain")
@click.option("--check", is_flag=True, help="Compare with what the DNS says. Status 0: there is no difference.")
@answering
def command(invocation: Invocation, domain: str, check: bool) -> None:
    """Print every record that DOMAIN has to publish, in the form of a zone file."""
    if not check:
        found = ask(invocation, "dns records", domain=domain)
        invocation.answer(found, _zone(found))
        return
    found = ask(invocation, "dns check", domain=domain)
    lines = [each["line"] for each in found["differences"]]
    invocation.answer(found, lines or [f"{found['domain']}: the DNS says what it should"])
    if lines:
        raise SystemExit(1)


def _zone(found: dict[str, Any]) -> Iterator[str]:
    yield f"; Records of {found['domain']}, for mail by {found['hostname']}"
    why = ""
    for each in found["records"]:
        if each["why"] != why:
            why = each["why"]
            yield ""
            yield f"; {each['what']}: {why}"
        yield Record(each["name"], each["type"], each["value"], each["what"]).line(TTL_SECONDS)
    policy = found["mta_sts_policy"]
    yield ""
    yield f"; The policy of MTA-STS, to be served at {policy['url']}:"
    yield from (f";   {line}" for line in policy["text"].splitlines())
    yield ""
    addresses = ", ".join(found["reverse"]["addresses"]) or f"the addresses of {found['hostname']}"
    yield f"; Reverse names: whoever gave you {addresses} must let it mean {found['reverse']['name']} (PTR)"
