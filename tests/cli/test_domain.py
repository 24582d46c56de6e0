import pytest

from tests.cli.directory_stage import CommandStage


@pytest.fixture
def cli(tmp_path, monkeypatch):
    return CommandStage(tmp_path, monkeypatch)


def test_all_verbs(cli):
    assert cli.run("domain", "add", "Example.org") == (0, "domain example.org added\n", "")
    assert cli.json("domain", "add", "second.example")["position"] == 1
    cli.run("account", "add", "anna@example.org", "--no-password")
    assert (
        cli.json("domain", "set", "example.org", "--catch-all", "anna@example.org")["catch_all"] == "anna@example.org"
    )
    assert cli.run("domain", "list")[1] == "example.org  catch-all anna@example.org\nsecond.example\n"
    assert cli.json("domain", "set", "example.org", "--catch-all", "none")["catch_all"] is None
    cli.run("domain", "set", "second.example", "--first")
    assert [each["name"] for each in cli.json("domain", "list")] == ["second.example", "example.org"]
    assert cli.run("domain", "show", "example.org")[1] == "example.org\n"
    assert cli.run("domain", "remove", "second.example")[1] == "domain second.example removed\n"


def test_what_goes_wrong_is_one_line(cli):
    assert "no domain" in cli.fails("domain", "show", "nope.example")
    cli.run("domain", "add", "example.org")
    assert "nothing to set" in cli.fails("domain", "set", "example.org")
    assert "characters" in cli.fails("domain", "add", "a b")
