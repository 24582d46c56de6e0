"""The `mailserverd` command: one table of verbs, each in a module that is loaded only when it is used.

Standing rules: what a verb has to say goes to standard output, what went wrong to standard error, a line each, with
a status other than 0; with --json exactly one JSON value goes to standard output and nothing else; nobody is ever
asked for input where standard input is not a terminal.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

import click

from mailserverd.cli.output import Invocation

# verb -> (module whose `command` is the click command, what it does)
VERBS: dict[str, tuple[str, str]] = {
    "init": ("mailserverd.cli.init", "Set up a new server in a directory."),
    "check-config": ("mailserverd.cli.check_config", "Tell everything that would keep the server from starting."),
    "sample-config": ("mailserverd.cli.sample_config", "Print a configuration file with every key."),
    "config-docs": ("mailserverd.cli.config_docs", "Print the manual of the configuration."),
    "status": ("mailserverd.cli.status", "Tell whether the server runs, and how it is."),
    "domain": ("mailserverd.cli.domain", "Domains that mail is taken for."),
    "account": ("mailserverd.cli.account", "Accounts, their passwords and app passwords."),
    "alias": ("mailserverd.cli.alias", "Addresses that lead to accounts, or elsewhere."),
    "directory": ("mailserverd.cli.directory", "All domains, accounts and aliases as one file."),
    "queue": ("mailserverd.cli.queue", "Mail on its way to other servers."),
    "suppression": ("mailserverd.cli.suppression", "Addresses elsewhere that nothing is sent to."),
    "dkim": ("mailserverd.cli.dkim", "Keys that mail is signed with."),
    "dns": ("mailserverd.cli.dns", "Records that a domain has to publish, and whether it does."),
    "store": ("mailserverd.cli.store", "Check and mend the stored mail."),
    "trace": ("mailserverd.cli.trace", "Tell what happened to a message."),
}


class VerbGroup(click.Group):
    """Looks verbs up in VERBS, so that `--help` and each verb load no more than they need."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(VERBS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_, what) in VERBS.items()])


@click.group(cls=VerbGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="MAILSERVERD_CONFIG",
    default=Path("mailserverd.toml"),
    show_default=True,
    help="The configuration file; also the environment variable MAILSERVERD_CONFIG.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON value.")
@click.version_option(package_name="mailserverd")
@click.pass_context
def root(context: click.Context, config: Path, as_json: bool) -> None:
    """A complete mail server: SMTP, submission, LMTP, IMAP and POP3 in one process."""
    context.obj = Invocation(config.absolute(), as_json)


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script."""
    root.main(args=arguments, prog_name="mailserverd")


if __name__ == "__main__":
    main()
