"""`suppression` and `account suspend/resume/show` at the command line."""

import json

import pytest
from click.testing import CliRunner

from mailserverd.cli import admin_client
from mailserverd.cli.main import root
from tests.accounts.doubles import drive
from tests.assembly.test_reputation_verbs import ANNA, BOB, Stage
from tests.cli.directory_stage import CONFIG


class Cli:
    def __init__(self, path, monkeypatch):
        self.path = path
        (path / "mailserverd.toml").write_text(CONFIG)
        verbs = Stage().verbs
        monkeypatch.setattr(
            admin_client,
            "call",
            lambda config, verb, arguments: json.loads(
                json.dumps(drive(verbs.call(verb, json.loads(json.dumps(arguments)))))
            ),
        )

    def __call__(self, *arguments):
        result = CliRunner().invoke(root, ["--config", str(self.path / "mailserverd.toml"), *arguments])
        return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def cli(tmp_path, monkeypatch):
    return Cli(tmp_path, monkeypatch)


def test_an_account_is_suspended_shown_and_resumed(cli):
    assert "suspended from sending: no\n" in cli("account", "show", ANNA)[1]
    said = f"account {ANNA} is suspended from sending: spam\n"
    assert cli("account", "suspend", ANNA, "--why", "spam") == (0, said, "")
    assert "suspended from sending: spam (by administrator)\n" in cli("account", "show", ANNA)[1]
    assert cli("account", "resume", ANNA) == (0, f"account {ANNA} may send again\n", "")
    assert cli("account", "resume", ANNA) == (0, f"account {ANNA} was not suspended\n", "")


def test_the_list(cli):
    assert cli("suppression", "list") == (0, "", "")
    assert cli("suppression", "add", BOB, "--days", "2", "--why", "bad", "--account", ANNA, "--class", "bulk")[0] == 0
    status, out, _ = cli("suppression", "show", BOB)
    assert status == 0
    assert out.startswith(f"{BOB}  by_hand  since 2027-01-15  until 2027-01-17  for {ANNA} class bulk  (bad)")
    cli("suppression", "add", "c@x.example", "--allow")
    rows = json.loads(cli("suppression", "list", "--json")[1])
    assert [(row["address"], row["allowed"]) for row in rows] == [(BOB, False), ("c@x.example", True)]
    first = json.loads(cli("suppression", "list", "--limit", "1", "--json")[1])
    assert [row["address"] for row in first["rows"]] == [BOB]
    assert f"more: --after {first['after']}\n" in cli("suppression", "list", "--limit", "1")[1]
    assert "c@x.example  allowed" in cli("suppression", "list", "--limit", "1", "--after", first["after"])[1]
    assert cli("suppression", "remove", BOB) == (0, f"{BOB} is no longer suppressed\n", "")
    status, _, err = cli("suppression", "show", BOB)
    assert (status, err.count("\n")) == (1, 1)
