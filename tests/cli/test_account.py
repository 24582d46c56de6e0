import json

import pytest

from mailserverd.accounts.passwords import matching_label
from tests.accounts.doubles import drive
from tests.cli.directory_stage import CommandStage

ANNA = "anna@example.org"


@pytest.fixture
def cli(tmp_path, monkeypatch):
    return CommandStage(tmp_path, monkeypatch, "example.org")


def stored(cli):
    return drive(cli.stage.directory.credentials(1))


def test_add_with_the_password_on_standard_input(cli):
    assert cli.run("account", "add", ANNA, "--password-stdin", stdin="secret\n") == (0, f"account {ANNA} added\n", "")
    assert matching_label("secret", stored(cli)) == ""


@pytest.mark.parametrize("stdin", ["secret", "secret\r\n", "secret\nmore\n"])
def test_only_the_first_line_is_the_password(cli, stdin):
    cli.run("account", "add", ANNA, "--password-stdin", stdin=stdin)
    assert matching_label("secret", stored(cli)) == ""


def test_spaces_belong_to_the_password(cli):
    cli.run("account", "add", ANNA, "--password-stdin", stdin=" two words \n")
    assert matching_label(" two words ", stored(cli)) == ""


def test_no_password_and_no_terminal(cli):
    assert "--password-stdin" in cli.fails("account", "add", ANNA)
    assert "no password" in cli.fails("account", "add", ANNA, "--password-stdin", stdin="")
    assert "not UTF-8" in cli.fails("account", "add", ANNA, "--password-stdin", stdin=b"\xff\n")
    assert cli.json("account", "list") == []


def test_a_password_is_asked_for_twice_at_a_terminal(cli, monkeypatch):
    monkeypatch.setattr("mailserverd.cli.password_input.sys.stdin", type("Tty", (), {"isatty": lambda self: True})())
    asked = []
    monkeypatch.setattr("mailserverd.cli.password_input.click.prompt", lambda *a, **k: asked.append(k) or "typed")
    from mailserverd.cli.output import Invocation
    from mailserverd.cli.password_input import read_password

    assert read_password(Invocation(cli.path, False), False) == "typed"
    assert asked == [{"hide_input": True, "confirmation_prompt": True, "err": True}]


def test_add_with_everything(cli):
    options = ("--no-password", "--name", "Anna A", "--quota", "2G", "--max-message", "20m", "--disabled")
    made = cli.json("account", "add", ANNA, *options)
    assert made == {
        "address": ANNA,
        "id": 1,
        "name": "Anna A",
        "disabled": True,
        "quota_bytes": 2 * 1024**3,
        "max_message_bytes": 20 * 1024**2,
        "mail_class": "",
        "mail_classes": [],
        "hold_seconds": 0,
        "keep_sent": False,
    }
    assert cli.run("account", "list")[1] == f"{ANNA}  (Anna A)  disabled  quota 2G\n"


def test_show(cli):
    cli.run("account", "add", ANNA, "--password-stdin", stdin="secret\n")
    text = cli.run("account", "show", ANNA)[1]
    assert "password: set\n" in text
    assert "quota: default\n" in text
    assert "app passwords: none\n" in text
    assert "argon2" not in text


def test_set(cli):
    cli.run("account", "add", ANNA, "--no-password", "--quota", "1G")
    assert cli.json("account", "set", ANNA, "--disabled", "--quota", "none") == {
        "address": ANNA,
        "id": 1,
        "name": "",
        "disabled": True,
        "quota_bytes": None,
        "max_message_bytes": None,
        "mail_class": "",
        "mail_classes": [],
        "hold_seconds": 0,
        "keep_sent": False,
    }
    assert not cli.json("account", "set", ANNA, "--enabled")["disabled"]
    assert "nothing to set" in cli.fails("account", "set", ANNA)
    assert cli.run("account", "set", ANNA, "--quota", "many")[0] == 2


def test_remove(cli):
    cli.run("account", "add", ANNA, "--no-password")
    assert cli.run("account", "remove", ANNA)[1] == f"account {ANNA} and its mail removed\n"
    assert "no account" in cli.fails("account", "remove", ANNA)


def test_password(cli):
    cli.run("account", "add", ANNA, "--no-password")
    assert cli.run("account", "password", ANNA, "--password-stdin", stdin="new\n")[1] == f"password of {ANNA} changed\n"
    assert matching_label("new", stored(cli)) == ""


def test_app_passwords(cli):
    cli.run("account", "add", ANNA, "--no-password")
    made = cli.json("account", "app-password", "add", ANNA, "phone")
    assert matching_label(made["password"], stored(cli)) == "phone"
    listed = cli.run("account", "app-password", "list", ANNA)[1]
    assert listed == "phone  made 2023-11-14 22:13:20Z  used never\n"
    assert made["password"] not in listed
    assert cli.run("account", "app-password", "remove", ANNA, "phone")[0] == 0
    assert "no app password" in cli.fails("account", "app-password", "remove", ANNA, "phone")


def test_apop_secret(cli):
    cli.run("account", "add", ANNA, "--no-password")
    said = cli.run("account", "apop-secret", ANNA, "--password-stdin", stdin="tanstaaf\n")[1]
    assert said == f"APOP of {ANNA} is on\n"
    assert cli.json("account", "apop-secret", ANNA, "--remove") == {"address": ANNA, "apop": False}


def test_errors_as_json(cli):
    status, out, err = cli.run("--json", "account", "show", ANNA)
    assert status == 1
    assert json.loads(out) == {"errors": [f"no account {ANNA}"]}
    assert err == f"no account {ANNA}\n"
