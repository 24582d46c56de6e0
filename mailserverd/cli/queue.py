"""`mailserverd queue list/errors/show/hold/release/retry/drop/flush/edit/status`.

Standing rules: see main; a verb on many messages goes page by page and tells a terminal how far it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from mailserverd.cli.admin_client import ask
from mailserverd.cli.moment import moment
from mailserverd.cli.output import Invocation, answering

PAGE = 500
F = TypeVar("F", bound=Callable[..., Any])


@click.group("queue")
def command() -> None:
    """Mail on its way to other servers."""


def _selecting(verb: F) -> F:
    """The options that say which messages."""
    for option in (
        click.option("--class", "mail_class", default="", help="Only mail of this class."),
        click.option("--account", default="", help="Only mail from this sender address."),
        click.option("--domain", default="", help="Only mail to this domain."),
    ):
        verb = option(verb)
    return verb


def _paging(verb: F) -> F:
    for option in (
        click.option("--after", default="", help="Go on behind this cursor: of the last row of a page."),
        click.option("--limit", type=click.IntRange(1), help="At most so many rows; without it all of them."),
    ):
        verb = option(verb)
    return verb


@command.command("list")
@_selecting
@click.option("--state", default="", help="Only recipients in this state: due, in_flight, deferred or held.")
@_paging
@answering
def list_(invocation: Invocation, /, limit: int | None, after: str, **which: str) -> None:
    """What is queued, a row a recipient, the oldest message first."""
    rows = list(_rows(invocation, "queue list", limit, after, which))
    invocation.answer(rows, (_line(row) for row in rows))


@command.command("errors")
@_selecting
@click.option("--state", default="", help="Only recipients in this state: failed, expired or suppressed.")
@_paging
@answering
def errors(invocation: Invocation, /, limit: int | None, after: str, **which: str) -> None:
    """What could not be delivered, with the reason, until it is retried or dropped."""
    rows = list(_rows(invocation, "queue errors", limit, after, which))
    invocation.answer(rows, (_line(row) for row in rows))


@command.command("status")
@answering
def status(invocation: Invocation) -> None:
    """How much is queued, by state and class."""
    found = ask(invocation, "queue counts")
    invocation.answer(
        found,
        (
            f"{each['state']:<10}  {each['class'] or '-':<15}  {each['recipients']:>8}  "
            f"oldest {each['oldest_seconds']} s"
            for each in found
        ),
    )


@command.command("show")
@click.argument("queue_id")
@answering
def show(invocation: Invocation, queue_id: str) -> None:
    """One message: its header, and what each attempt met."""
    found = ask(invocation, "queue show", queue_id=queue_id)
    invocation.answer(found, _described(found))


def _steering(name: str, what: str) -> None:
    @command.command(name, help=what)
    @click.argument("queue_ids", nargs=-1)
    @_selecting
    @click.option("--all", "everything", is_flag=True, help="Everything in the queue.")
    @click.option("--errors", is_flag=True, help="In the error queue.")
    @answering
    def steer(
        invocation: Invocation,
        queue_ids: tuple[str, ...],
        everything: bool,
        errors: bool,
        domain: str,
        account: str,
        mail_class: str,
    ) -> None:
        chosen = {"domain": domain, "account": account, "mail_class": mail_class}
        if not queue_ids and not everything and not any(chosen.values()):
            invocation.fail(f"say which: a queue id, --domain, --account, --class or --all; see queue {name} --help")
        changed = sum(_steer(invocation, name, errors, {**chosen, "queue_id": each}) for each in queue_ids or ("",))
        invocation.answer({"changed": changed}, f"{changed} recipients changed")


_steering("hold", "Keep messages back until `queue release`.")
_steering("release", "Let messages go that were held.")
_steering("retry", "Try messages now; of the error queue with --errors.")
_steering("drop", "Remove messages without telling anybody.")


@command.command("flush")
@_selecting
@answering
def flush(invocation: Invocation, /, **which: str) -> None:
    """Make everything due now, whatever its back-off, its rest or a learned limit."""
    ask(invocation, "queue flush")
    changed = _steer(invocation, "retry", False, which)
    invocation.answer({"changed": changed}, f"{changed} recipients are due now")


@command.command("edit")
@click.argument("queue_id")
@click.option("--message", "message", type=click.Path(exists=True, dir_okay=False), help='A file, or "-".')
@click.option("--recipient", default="", help="A new address for the recipient at --position.")
@click.option("--position", default=0, show_default=True, help="Which recipient; see queue show.")
@answering
def edit(invocation: Invocation, queue_id: str, message: str | None, recipient: str, position: int) -> None:
    """Put another message or another address in its place; `queue retry` then sends it."""
    if message is None and not recipient:
        invocation.fail("give --message or --recipient")
    text = None
    if message is not None:
        octets = sys.stdin.buffer.read() if message == "-" else Path(message).read_bytes()
        text = octets.decode("latin-1")
    done = ask(invocation, "queue edit", queue_id=queue_id, message=text, recipient=recipient, position=position)
    invocation.answer(done, f"{done['edited']} edited")


def _rows(
    invocation: Invocation, verb: str, limit: int | None, after: str, which: dict[str, str]
) -> Iterator[dict[str, Any]]:
    left = limit
    while left is None or left > 0:
        page = ask(invocation, verb, after=after, limit=min(PAGE, left or PAGE), **which)
        yield from page["rows"]
        if left is not None:
            left -= len(page["rows"])
        after = page["after"]
        if not after:
            return


def _steer(invocation: Invocation, what: str, errors: bool, which: dict[str, str]) -> int:
    changed = 0
    after = ""
    while True:
        done = ask(invocation, "queue change", what=what, errors=errors, after=after, limit=PAGE, **which)
        changed += int(done["changed"])
        after = done["after"]
        if not after:
            return changed
        if sys.stderr.isatty():
            click.echo(f"\r{changed} recipients", err=True, nl=False)


def _line(row: dict[str, Any]) -> str:
    due = f"next {moment(row['next_attempt'])}  " if row["next_attempt"] is not None else ""
    reply = f"  ({row['last_reply']})" if row["last_reply"] else ""
    return (
        f"{row['queue_id']}  {row['state']:<10}  <{row['sender']}> -> <{row['recipient']}>  "
        f"{row['size']} octets  {row['attempts']} attempts  {due}since {moment(row['created'])}{reply}"
    )


def _described(found: dict[str, Any]) -> Iterator[str]:
    yield f"queue id: {found['queue_id']}"
    yield f"sender: <{found['sender']}>"
    yield f"class: {found['class'] or '-'}"
    yield f"created: {moment(found['created'])}"
    yield f"expires: {moment(found['expires'])}"
    yield f"octets: {found['size']}"
    for row in found["recipients"]:
        yield f"recipient {row['position']}: {_line(row)}"
        for each in row["history"]:
            yield f"  {moment(each['at'])}  {each['where'] or '-'}  {each['status']}  {each['reply']}"
    yield ""
    yield from found["header"].split("\r\n")
