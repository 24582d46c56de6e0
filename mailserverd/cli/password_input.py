"""Where a password comes from: standard input when that was asked for, else a prompt, else nowhere.

Standing rule: never an argument of the command, which every user of the machine can read.
"""

from __future__ import annotations

import sys

import click

from mailserverd.cli.output import Invocation

_MAX_OCTETS = 4096


def read_password(invocation: Invocation, from_stdin: bool) -> str:
    """Ends the process with one line where there is no password to be had."""
    if from_stdin:
        return _first_line(invocation)
    if not sys.stdin.isatty():
        invocation.fail("standard input is no terminal; add --password-stdin and write the password there")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password


def _first_line(invocation: Invocation) -> str:
    line = sys.stdin.buffer.readline(_MAX_OCTETS).removesuffix(b"\n").removesuffix(b"\r")
    try:
        password = line.decode()
    except UnicodeDecodeError:
        invocation.fail("the password on standard input is not UTF-8")
    if not password:
        invocation.fail("no password on standard input")
    return password
