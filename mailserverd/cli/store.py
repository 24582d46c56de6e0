"""`mailserverd store check/restored`.

Standing rules: see main; progress goes to standard error, and only to a terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

import click

from mailserverd.accounts.administration import VerbRefused
from mailserverd.cli.admin_client import ask, asked_of_server
from mailserverd.cli.output import Invocation, answering
from mailserverd.config.schema import Config

_EVERY_SECONDS = 1.0


@click.group("store")
def command() -> None:
    """Check and mend the stored mail."""


@command.command("check")
@click.option("--repair", is_flag=True, help="Mend what can be worked out from the rest.")
@answering
def check(invocation: Invocation, repair: bool) -> None:
    """Verify every reference, counter and blob; the server may go on working. Status 0: nothing is wrong any more."""
    with _progress(invocation.config()):
        result = ask(invocation, "store check", repair=repair)
    invocation.answer(result, _lines(result, repair))
    if _left(result, repair):
        raise SystemExit(1)


@command.command("restored")
@answering
def restored(invocation: Invocation) -> None:
    """After the data came back from a backup, before the server starts: clients fetch their mailboxes anew."""
    done = ask(invocation, "store restored")
    invocation.answer(done, f"{done['mailboxes']} mailboxes of {done['accounts']} accounts have a new UIDVALIDITY")


def _left(result: dict[str, Any], repair: bool) -> bool:
    """Whether anything is wrong still."""
    if not repair:
        return not result["clean"]
    return any(not finding["repairable"] for finding in result["findings"])


def _lines(result: dict[str, Any], repair: bool) -> Iterator[str]:
    for finding in result["findings"]:
        where = f"account {finding['account']}: " if finding["account"] is not None else ""
        yield f"{finding['severity']}: {where}{finding['what']}; {_remedy(finding, repair)}"
    counts = f"{result['accounts']} accounts, {result['messages']} messages, {result['blobs']} blobs"
    if result["clean"]:
        yield f"clean: {counts}"
    else:
        kinds = f"{result['losses']} losses, {result['errors']} errors, {result['warnings']} warnings"
        yield f"checked {counts}: {kinds}, {result['mended']} mended"


def _remedy(finding: dict[str, Any], repair: bool) -> str:
    if not finding["repairable"]:
        return finding["what_to_do"] or "goes with what else is mended"
    return "mended" if repair else "store check --repair mends it"


@contextmanager
def _progress(config: Config) -> Iterator[None]:
    """Ask the running server now and then how far it is."""
    if not sys.stderr.isatty():
        yield
        return
    done = Event()
    teller = Thread(target=_tell, args=(config, done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _tell(config: Config, done: Event) -> None:
    while not done.wait(_EVERY_SECONDS):
        with suppress(VerbRefused, OSError):
            so_far = asked_of_server(config, "store check-progress", {})
            if so_far:
                click.echo(
                    f"\r{so_far['accounts']} of {so_far['accounts_in_all']} accounts, {so_far['messages']} messages ",
                    err=True,
                    nl=False,
                )
    click.echo("\r\x1b[K", err=True, nl=False)
