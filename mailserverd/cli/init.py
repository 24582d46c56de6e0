"""`mailserverd init DIR`: from nothing to a server that can be started.

Standing rules: nothing is ever overwritten, so init may be run again at any time and completes what is missing; a
generated password is shown once and kept nowhere.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from mailserverd.accounts.passwords import generate_password
from mailserverd.assembly.data_lock import DataInUse
from mailserverd.assembly.embedded import Backends
from mailserverd.assembly.first_accounts import DEMO_NAMES, add_first, add_first_keys
from mailserverd.assembly.offline import offline
from mailserverd.assembly.self_signed import write_self_signed
from mailserverd.cli.output import Invocation, answering
from mailserverd.config.load import ConfigError, load, parse
from mailserverd.config.render import toml
from mailserverd.config.schema import Config
from mailserverd.config.values import ListenAddress
from mailserverd.model.address import canonical_domain, check_domain

STANDARD_PORTS = {
    "smtp": 25,
    "submission": 587,
    "submissions": 465,
    "lmtp": 24,
    "imap": 143,
    "imaps": 993,
    "pop3": 110,
    "pop3s": 995,
    "metrics": 9090,
}
LOOPBACK_ONLY = ("lmtp", "metrics")


@click.command("init")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--domain", required=True, help="The first domain that mail is taken for.")
@click.option("--hostname", required=True, help="The full name of this host.")
@click.option("--listen", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port-offset", default=0, show_default=True, type=click.IntRange(0, 56000), help="Added to each port.")
@click.option("--demo", is_flag=True, help="Also make two accounts with generated passwords.")
@answering
def command(
    invocation: Invocation, directory: Path, domain: str, hostname: str, listen: str, port_offset: int, demo: bool
) -> None:
    """Set up a new server in DIRECTORY: configuration, certificate, domain. Where it is set up already, say so."""
    path = directory.absolute() / "mailserverd.toml"
    domain = canonical_domain(domain)
    if (wrong := check_domain(domain)) is not None:
        invocation.fail(f"--domain: {wrong}")
    made = _write_files(invocation, path, domain, hostname, listen, port_offset, demo)
    config = _loaded(invocation, path)
    passwords = {f"{name}@{domain}": generate_password() for name in DEMO_NAMES} if demo else {}

    async def add(backends: Backends, reactor: Any) -> list[str]:
        add_first_keys(config, domain)
        return await add_first(backends, config, domain, passwords)

    try:
        added = offline(config, add)
    except DataInUse:
        added = []  # the server runs, so it was set up before
    except OSError as error:
        invocation.fail(f"{path}: server.data_directory: {error}")
    shown = {address: passwords[address] for address in added}
    example = f"{DEMO_NAMES[0]}@{domain}" if demo else None
    _report(invocation, path, config, bool(made or added), shown, example)


def _write_files(
    invocation: Invocation, path: Path, domain: str, hostname: str, listen: str, port_offset: int, demo: bool
) -> bool:
    """The configuration, the folders and the certificate; whether anything was missing."""
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        made = not path.exists()
        if made:
            text = _toml(domain, hostname, listen, port_offset, demo)
            parse(text, path)  # what cannot be read back is not written
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
            path.chmod(0o640)
        config = _loaded(invocation, path)
        config.server.data_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return write_self_signed(config.tls.certificate, config.tls.private_key, config.server.hostname) or made
    except ConfigError as error:
        invocation.fail(error.lines)
    except OSError as error:
        invocation.fail(f"{error.filename or path}: cannot be written ({error.strerror}); choose another directory")


def _loaded(invocation: Invocation, path: Path) -> Config:
    try:
        return load(path)
    except ConfigError as error:
        invocation.fail(error.lines)


def _toml(domain: str, hostname: str, listen: str, port_offset: int, demo: bool) -> str:
    settings: dict[str, dict[str, object]] = {
        "server": {
            "hostname": hostname,
            "data_directory": "data",
            "postmaster": f"{DEMO_NAMES[0]}@{domain}" if demo else "",
        },
        "tls": {"certificate": "tls/certificate.pem", "private_key": "tls/private_key.pem"},
    }
    for name, port in STANDARD_PORTS.items():
        host = "127.0.0.1" if name in LOOPBACK_ONLY else listen
        settings[name] = {"addresses": [ListenAddress(host.strip("[]"), port + port_offset)]}
    heading = f"The configuration of {hostname}. Commented keys show their defaults. docs/configuration.md explains."
    return toml(settings, heading)


def _report(
    invocation: Invocation, path: Path, config: Config, anything: bool, accounts: dict[str, str], example: str | None
) -> None:
    ports = {
        name: getattr(config, name).addresses[0].port for name in STANDARD_PORTS if getattr(config, name).addresses
    }
    value = {"config": str(path), "created": anything, "accounts": accounts, "ports": ports}
    lines = [f"{path.parent} is set up" if anything else f"{path.parent} was set up already, nothing is changed", ""]
    lines += [f"  account {address}  password {password}   (shown this once)" for address, password in accounts.items()]
    lines += ["  ports   " + "  ".join(f"{name} {port}" for name, port in ports.items())]
    if example is not None:
        lines += ["", *_next_steps(path, config, ports, example)]
    invocation.answer(value, lines)


def _next_steps(path: Path, config: Config, ports: dict[str, int], address: str) -> list[str]:
    """Three commands to copy, which need nothing but Python."""
    host = config.smtp.addresses[0].host
    send = (
        f"import smtplib; smtplib.SMTP('{host}', {ports['smtp']}).sendmail('you@elsewhere.test', ['{address}'], "
        "'Subject: hello\\r\\n\\r\\nIt works.\\r\\n')"
    )
    read = (
        "import getpass, imaplib, ssl; "
        f"m = imaplib.IMAP4_SSL('localhost', {ports['imaps']}, "
        f"ssl_context=ssl.create_default_context(cafile='{config.tls.certificate}')); "
        f"m.login('{address}', getpass.getpass()); m.select(); print(m.fetch('*', '(BODY[])')[1][0][1].decode())"
    )
    return [
        "With the server running, in another terminal:",
        f'  send:   python3 -c "{send}"',
        f'  read:   python3 -c "{read}"',
        "  check:  make test",
        f"  ask:    {_program()} --config {path} status",
        "",
    ]


def _program() -> str:
    """This command as it was called: it need not be on the PATH."""
    return sys.argv[0] if Path(sys.argv[0]).name == "mailserverd" else "mailserverd"
