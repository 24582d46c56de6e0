"""The command as a whole: its table of verbs, its global options, its ways of answering."""

import importlib
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from mailserverd.cli.main import VERBS, root
from mailserverd.config.load import parse
from mailserverd.config.render import manual, sample
from mailserverd.telemetry.trace import write_events

MINIMAL = '[server]\nhostname = "mail.example.org"\ndata_directory = "data"\n'


def call(*arguments: str) -> Result:
    return CliRunner().invoke(root, arguments, prog_name="mailserverd")


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_is_there_and_explains_itself(verb: str) -> None:
    command = importlib.import_module(VERBS[verb][0]).command
    assert isinstance(command, click.Command)
    answer = call(verb, "--help")
    assert answer.exit_code == 0
    assert "Usage: mailserverd " + verb in answer.output


def test_help_names_every_verb() -> None:
    output = call("--help").output
    for verb, (_, what) in VERBS.items():
        assert verb in output
        assert what.split(",")[0].split(".")[0] in output


def test_an_unknown_verb() -> None:
    answer = call("nonsense")
    assert answer.exit_code == 2
    assert "nonsense" in answer.stderr


def test_sample_config_and_its_manual() -> None:
    assert call("sample-config").stdout == sample()
    assert call("config-docs").stdout == manual()
    assert json.loads(call("--json", "sample-config").stdout)["toml"] == sample()
    parse(call("sample-config").stdout, Path("/x"))


def test_the_file_is_named_by_option_or_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = call("--config", str(tmp_path / "a.toml"), "check-config")
    assert answer.exit_code == 1
    assert answer.stderr.startswith(f"{tmp_path}/a.toml: cannot be read")
    monkeypatch.setenv("MAILSERVERD_CONFIG", str(tmp_path / "b.toml"))
    assert call("check-config").stderr.startswith(f"{tmp_path}/b.toml: cannot be read")


def test_errors_as_json(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(MINIMAL + "[smtp]\nfoo = 1\n[imap]\nenabled = 3\n")
    for arguments in (("--json", "--config", str(tmp_path / "m.toml"), "check-config"),):
        answer = call(*arguments)
        assert answer.exit_code == 1
        assert [line.split(": ")[1] for line in json.loads(answer.stdout)["errors"][:5]] == [
            "smtp.foo",
            "imap.enabled",
            "server.data_directory",
            "tls.certificate",
            "tls.private_key",
        ]


def test_json_may_stand_behind_the_verb_too() -> None:
    assert json.loads(call("sample-config", "--json").stdout) == json.loads(call("--json", "sample-config").stdout)


def test_trace(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(MINIMAL)
    (tmp_path / "data").mkdir()
    write_events(
        tmp_path / "data/trace",
        [
            {"time": 1795500000.5, "event": "received", "queue_id": "q1", "message_id": "a@b", "octets": 3},
            {"time": 1795500001.0, "event": "delivered", "queue_id": "q1", "to": "u@d", "why": ""},
        ],
    )
    found = call("--config", str(tmp_path / "m.toml"), "trace", "<a@b>")
    assert found.stdout.splitlines() == [
        "2026-11-24T06:00:00.500Z  received  queue_id=q1 message_id=a@b octets=3",
        "2026-11-24T06:00:01.000Z  delivered  queue_id=q1 to=u@d",
    ]
    as_json = json.loads(call("--json", "--config", str(tmp_path / "m.toml"), "trace", "q1").stdout)
    assert [event["event"] for event in as_json] == ["received", "delivered"]
    missing = call("--config", str(tmp_path / "m.toml"), "trace", "<none@b>")
    assert missing.exit_code == 1
    assert "no trace of it in the last 14 days (log.trace_days)" in missing.stderr


def test_status_of_a_server_that_is_down(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(MINIMAL)
    (tmp_path / "data").mkdir()
    answer = call("--config", str(tmp_path / "m.toml"), "--json", "status")
    assert answer.exit_code == 1
    value = json.loads(answer.stdout)
    assert value["running"] is False
    assert value["health"] == "not running"
    assert value["dane"].startswith("o")
