import stat

import pytest

from tests.cli.directory_stage import CommandStage


@pytest.fixture
def cli(tmp_path, monkeypatch):
    made = CommandStage(tmp_path, monkeypatch, "example.org")
    made.run("account", "add", "anna@example.org", "--password-stdin", stdin="secret\n")
    return made


def test_export_to_a_file_and_apply_it(cli):
    file = cli.path / "directory.toml"
    assert cli.run("directory", "export", str(file)) == (0, f"directory written to {file}\n", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert cli.run("directory", "apply", str(file))[1] == "nothing to change\n"
    file.write_text(file.read_text() + '\n[[alias]]\naddress = "a@example.org"\ntargets = ["anna@example.org"]\n')
    line = "add alias a@example.org -> anna@example.org"
    assert cli.run("directory", "apply", str(file), "--dry-run")[1] == f"would {line}\n"
    assert cli.json("directory", "apply", str(file)) == {"changes": [line], "applied": True}


def test_standard_output_and_input(cli):
    text = cli.run("directory", "export")[1]
    assert text.startswith("# The directory")
    assert "argon2" in text
    assert "argon2" not in cli.run("directory", "export", "--no-secrets")[1]
    assert cli.run("directory", "apply", stdin=text)[1] == "nothing to change\n"
    assert cli.json("directory", "export")["toml"] == text


def test_an_export_that_fails_leaves_the_one_before(cli):
    assert "cannot be written" in cli.fails("directory", "export", str(cli.path / "nowhere" / "d.toml"))


def test_files_that_cannot_be_applied(cli):
    assert "cannot be read" in cli.fails("directory", "apply", str(cli.path / "nope.toml"))
    (cli.path / "bad.toml").write_bytes(b"\xff")
    assert "not UTF-8" in cli.fails("directory", "apply", str(cli.path / "bad.toml"))
    (cli.path / "empty.toml").write_text("")
    assert "--remove-accounts" in cli.fails("directory", "apply", str(cli.path / "empty.toml"))
    assert cli.run("directory", "apply", str(cli.path / "empty.toml"), "--remove-accounts")[0] == 0
    assert cli.json("account", "list") == []
