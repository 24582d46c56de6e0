import pytest

from tests.cli.directory_stage import CommandStage


@pytest.fixture
def cli(tmp_path, monkeypatch):
    made = CommandStage(tmp_path, monkeypatch, "example.org")
    for name in ("anna", "bob"):
        made.run("account", "add", f"{name}@example.org", "--no-password")
    return made


def test_all_verbs(cli):
    added = cli.run("alias", "add", "sales@example.org", "anna@example.org", "bob@example.org")
    assert added == (0, "alias sales@example.org -> anna@example.org, bob@example.org added\n", "")
    assert cli.json("alias", "show", "sales@example.org")["targets"] == ["anna@example.org", "bob@example.org"]
    assert cli.json("alias", "set", "sales@example.org", "bob@example.org")["targets"] == ["bob@example.org"]
    assert cli.run("alias", "list")[1] == "sales@example.org -> bob@example.org\n"
    assert cli.json("alias", "list", "--domain", "other.example") == []
    assert cli.run("alias", "remove", "sales@example.org")[1] == "alias sales@example.org removed\n"


def test_what_goes_wrong_is_one_line(cli):
    assert "neither an account nor an alias" in cli.fails("alias", "add", "x@example.org", "y@example.org")
    assert "no alias" in cli.fails("alias", "remove", "x@example.org")
    assert cli.run("alias", "add", "x@example.org")[0] == 2
