"""`mailserverd directory export/apply FILE`. Standing rule: a file that is written holds hashes, so it is mode 0600."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from mailserverd.cli.admin_client import ask
from mailserverd.cli.output import Invocation, answering

_STANDARD = Path("-")


@click.group("directory")
def command() -> None:
    """All domains, accounts and aliases as one file."""


@command.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default=_STANDARD)
@click.option("--no-secrets", is_flag=True, help="Leave the password hashes out.")
@answering
def export(invocation: Invocation, file: Path, no_secrets: bool) -> None:
    """Write the directory as TOML to FILE, "-" for standard output."""
    text = ask(invocation, "directory export", secrets=not no_secrets)["toml"]
    if file == _STANDARD:
        invocation.answer({"toml": text}, text.removesuffix("\n"))
        return
    try:
        _write(file, text)
    except OSError as error:
        invocation.fail(f"{file}: cannot be written ({error.strerror})")
    invocation.answer({"file": str(file)}, f"directory written to {file}")


def _write(file: Path, text: str) -> None:
    """Beside it first, so that an export that fails leaves the one before."""
    beside = file.with_name(file.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)


@command.command("apply")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default=_STANDARD)
@click.option("--dry-run", is_flag=True, help="Only say what would be changed.")
@click.option("--remove-accounts", is_flag=True, help="Delete accounts that FILE lacks, and their mail.")
@answering
def apply(invocation: Invocation, file: Path, dry_run: bool, remove_accounts: bool) -> None:
    """Make the directory the same as FILE ("-": standard input), and say what was changed."""
    try:
        text = sys.stdin.buffer.read().decode() if file == _STANDARD else file.read_text("utf-8")
    except OSError as error:
        invocation.fail(f"{file}: cannot be read ({error.strerror})")
    except UnicodeDecodeError:
        invocation.fail(f"{file}: is not UTF-8")
    done = ask(invocation, "directory apply", toml=text, dry_run=dry_run, remove_accounts=remove_accounts)
    lines = done["changes"] or ["nothing to change"]
    invocation.answer(done, [f"would {line}" for line in done["changes"]] if dry_run and done["changes"] else lines)
