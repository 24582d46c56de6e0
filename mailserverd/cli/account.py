"""`mailserverd account add/list/show/set/remove/password/apop-secret/suspend/resume`, and `account app-password`.

Standing rules: see main and password_input.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from mailserverd.cli.admin_client import ask
from mailserverd.cli.app_password import app_password
from mailserverd.cli.octets import NONE, OCTETS, shown
from mailserverd.cli.output import Invocation, answering
from mailserverd.cli.password_input import read_password


@click.group("account")
def command() -> None:
    """Accounts, their passwords and app passwords."""


command.add_command(app_password)


@command.command("add")
@click.argument("address")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@click.option("--no-password", is_flag=True, help="Nobody can log in until `account password`.")
@click.option("--name", default="", help="The person's name.")
@click.option("--quota", type=OCTETS, help='How much mail it may hold, such as "2G".')
@click.option("--max-message", type=OCTETS, help='The largest message it takes and sends, such as "20M".')
@click.option("--disabled", is_flag=True, help="Neither log in nor take mail.")
@answering
def add(
    invocation: Invocation,
    address: str,
    password_stdin: bool,
    no_password: bool,
    name: str,
    quota: int | None,
    max_message: int | None,
    disabled: bool,
) -> None:
    """Make the account ADDRESS with its mailboxes."""
    password = None if no_password else read_password(invocation, password_stdin)
    made = ask(
        invocation,
        "account add",
        address=address,
        password=password,
        name=name,
        quota_bytes=_or_default(quota),
        max_message_bytes=_or_default(max_message),
        disabled=disabled,
    )
    invocation.answer(made, f"account {made['address']} added")


@command.command("list")
@click.option("--domain", help="Only those of this domain.")
@answering
def list_(invocation: Invocation, domain: str | None) -> None:
    """All accounts, by address."""
    found = ask(invocation, "account list", domain=domain)
    invocation.answer(found, (_line(account) for account in found))


@command.command("show")
@click.argument("address")
@answering
def show(invocation: Invocation, address: str) -> None:
    """One account, with what it holds."""
    found = ask(invocation, "account show", address=address)
    invocation.answer(
        found,
        [
            f"address: {found['address']}",
            f"name: {found['name']}",
            f"disabled: {'yes' if found['disabled'] else 'no'}",
            f"quota: {shown(found['quota_bytes'])}",
            f"max message: {shown(found['max_message_bytes'])}",
            f"class of mail: {found['mail_class'] or '-'}",
            f"classes it may name: {', '.join(found['mail_classes']) or '-'}",
            f"sent mail can be taken back for: {found['hold_seconds']} s",
            f"submitted mail is kept in Sent: {'yes' if found['keep_sent'] else 'no'}",
            f"messages: {found['messages']}",
            f"octets: {found['octets']}",
            f"password: {'set' if found['has_password'] else 'none'}",
            f"app passwords: {', '.join(found['app_passwords']) or 'none'}",
            f"suspended from sending: {_suspended(found)}",
        ],
    )


@command.command("set")
@click.argument("address")
@click.option("--name", help="The person's name.")
@click.option("--quota", type=OCTETS, help='Such as "2G"; "none" for the server\'s default.')
@click.option("--max-message", type=OCTETS, help='Such as "20M"; "none" for the server\'s default.')
@click.option("--disabled/--enabled", default=None, help="Whether it may log in and take mail.")
@click.option("--class", "mail_class", help='The class of what it sends; "" for the server\'s default.')
@click.option("--may-name", "mail_classes", help="The classes that its messages may name besides, with commas between.")
@click.option("--hold-seconds", type=click.IntRange(0, 86400), help="How long what it sends can be taken back.")
@click.option("--keep-sent/--no-keep-sent", default=None, help="Whether what it submits is put into its Sent mailbox.")
@answering
def set_(
    invocation: Invocation,
    address: str,
    name: str | None,
    quota: int | None,
    max_message: int | None,
    disabled: bool | None,
    mail_class: str | None,
    mail_classes: str | None,
    hold_seconds: int | None,
    keep_sent: bool | None,
) -> None:
    """Change an account. A disabled one is refused from that moment on."""
    if {name, quota, max_message, disabled, mail_class, mail_classes, hold_seconds, keep_sent} == {None}:
        invocation.fail("nothing to set; see mailserverd account set --help")
    changed = ask(
        invocation,
        "account set",
        address=address,
        name=name,
        quota_bytes=_or_default(quota),
        max_message_bytes=_or_default(max_message),
        disabled=disabled,
        mail_class=mail_class,
        mail_classes=None if mail_classes is None else [each for each in mail_classes.split(",") if each],
        hold_seconds=hold_seconds,
        keep_sent=keep_sent,
        clear=[what for what, value in (("quota", quota), ("max_message", max_message)) if value == NONE],
    )
    invocation.answer(changed, f"account {changed['address']} changed")


@command.command("remove")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@answering
def remove(invocation: Invocation, address: str, yes: bool) -> None:
    """Delete the account and all its mail, for good."""
    if not yes and sys.stdin.isatty() and not click.confirm(f"Delete {address} and all its mail?", err=True):
        invocation.fail("nothing was deleted")
    gone = ask(invocation, "account remove", address=address)
    invocation.answer(gone, f"account {gone['removed']} and its mail removed")


@command.command("password")
@click.argument("address")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@answering
def password(invocation: Invocation, address: str, password_stdin: bool) -> None:
    """Set the account's password. The old one ends at once; app passwords stay."""
    text = read_password(invocation, password_stdin)
    done = ask(invocation, "account password", address=address, password=text)
    invocation.answer(done, f"password of {done['address']} changed")


@command.command("apop-secret")
@click.argument("address")
@click.option("--password-stdin", is_flag=True, help="Read the secret from the first line of standard input.")
@click.option("--remove", "without", is_flag=True, help="Take it away, and APOP with it.")
@answering
def apop_secret(invocation: Invocation, address: str, password_stdin: bool, without: bool) -> None:
    """Set the secret that POP3's APOP needs. It is kept readable: never use the account's password."""
    secret = None if without else read_password(invocation, password_stdin)
    done = ask(invocation, "account apop-secret", address=address, secret=secret)
    invocation.answer(done, f"APOP of {done['address']} is {'on' if done['apop'] else 'off'}")


@command.command("suspend")
@click.argument("address")
@click.option("--why", default="", help="A line about the reason, which its owner is told.")
@answering
def suspend(invocation: Invocation, address: str, why: str) -> None:
    """Let the account send nothing to other servers; its owner is told."""
    made = ask(invocation, "account suspend", address=address, why=why)
    invocation.answer(made, f"account {made['address']} is suspended from sending: {made['why']}")


@command.command("resume")
@click.argument("address")
@answering
def resume(invocation: Invocation, address: str) -> None:
    """Let a suspended account send again, whoever suspended it; its bounces and complaints are counted anew."""
    done = ask(invocation, "account resume", address=address)
    was = "may send again" if done["resumed"] else "was not suspended"
    invocation.answer(done, f"account {done['address']} {was}")


def _or_default(octets: int | None) -> int | None:
    return None if octets == NONE else octets


def _suspended(account: dict[str, Any]) -> str:
    found = account.get("suspended")
    return f"{found['why']} (by {found['by']})" if found else "no"


def _line(account: dict[str, Any]) -> str:
    notes = [f"({account['name']})"] if account["name"] else []
    notes += ["disabled"] if account["disabled"] else []
    notes += [f"quota {shown(account['quota_bytes'])}"] if account["quota_bytes"] is not None else []
    return "  ".join([account["address"], *notes])
