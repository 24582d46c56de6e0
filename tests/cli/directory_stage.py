"""The command line over a directory in memory: everything but the way to it (test_admin_client has that)."""

import json

from click.testing import CliRunner

from mailserverd.assembly.admin_verbs import directory_verbs
from mailserverd.cli import admin_client
from mailserverd.cli.main import root
from tests.accounts.doubles import drive
from tests.accounts.verb_stage import VerbStage

CONFIG = '[server]\nhostname = "mx.example.org"\ndata_directory = "data"\n[tls]\n'


class CommandStage:
    def __init__(self, tmp_path, monkeypatch, *domains):
        self.path = tmp_path
        (tmp_path / "mailserverd.toml").write_text(CONFIG)
        self.stage = VerbStage(*domains)
        verbs = directory_verbs(self.stage.administration)
        # through JSON, as over the socket
        monkeypatch.setattr(
            admin_client,
            "call",
            lambda config, verb, arguments: json.loads(
                json.dumps(drive(verbs.call(verb, json.loads(json.dumps(arguments)))))
            ),
        )

    def run(self, *arguments, stdin=None):
        """(exit status, standard output, standard error)"""
        result = CliRunner().invoke(root, ["--config", str(self.path / "mailserverd.toml"), *arguments], input=stdin)
        return result.exit_code, result.stdout, result.stderr

    def json(self, *arguments, stdin=None):
        status, out, err = self.run(*arguments, "--json", stdin=stdin)
        assert (status, err) == (0, "")
        return json.loads(out)

    def fails(self, *arguments, stdin=None):
        """The one line that says why."""
        status, out, err = self.run(*arguments, stdin=stdin)
        assert (status, out) == (1, "")
        assert err.count("\n") == 1
        return err
