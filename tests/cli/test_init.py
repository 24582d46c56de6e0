"""init makes what is missing and touches nothing that is there."""

import json
import re
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from mailserverd.cli.init import STANDARD_PORTS
from mailserverd.config.load import load
from mailserverd.config.render import keys, sections
from tests.scenarios.server import CLI, ROOT, _environment


def init(folder: Path, *more: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    names = () if "--domain" in more else ("--domain", "example.org")
    hosts = () if "--hostname" in more else ("--hostname", "mail.example.org")
    return subprocess.run(
        [*CLI, "init", str(folder), *names, *hosts, *more],
        capture_output=True,
        text=True,
        check=check,
        cwd=ROOT,
        env=_environment(),
        stdin=subprocess.DEVNULL,
    )


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("lock", "lock.mdb")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_new_server_with_demo_accounts(tmp_path: Path) -> None:
    answer = json.loads(init(tmp_path / "new", "--port-offset", "20000", "--demo", "--json").stdout)
    assert answer["created"] is True
    assert sorted(answer["accounts"]) == ["alice@example.org", "bob@example.org"]
    assert answer["ports"] == {name: port + 20000 for name, port in STANDARD_PORTS.items()}
    config = load(tmp_path / "new/mailserverd.toml")
    assert {name: getattr(config, name).addresses[0] for name in STANDARD_PORTS} == {
        name: ("127.0.0.1", port + 20000) for name, port in STANDARD_PORTS.items()
    }
    assert config.server.data_directory == tmp_path / "new/data"
    assert (tmp_path / "new/data").stat().st_mode & 0o777 == 0o700
    assert config.tls.private_key.stat().st_mode & 0o777 == 0o600
    ssl.create_default_context(cafile=str(config.tls.certificate))


def test_the_second_time_nothing_is_changed_and_no_password_is_shown(tmp_path: Path) -> None:
    init(tmp_path, "--demo")
    before = contents(tmp_path)
    again = json.loads(init(tmp_path, "--demo", "--port-offset", "7", "--json").stdout)
    assert again["created"] is False
    assert again["accounts"] == {}
    assert again["ports"] == STANDARD_PORTS
    assert contents(tmp_path) == before


def test_what_is_missing_is_made_again(tmp_path: Path) -> None:
    init(tmp_path)
    (tmp_path / "tls/certificate.pem").unlink()
    (tmp_path / "tls/private_key.pem").unlink()
    assert json.loads(init(tmp_path, "--json").stdout)["created"] is True
    assert (tmp_path / "tls/certificate.pem").exists()


def test_each_key_stands_once_under_its_header(tmp_path: Path) -> None:
    init(tmp_path, "--demo")
    text = (tmp_path / "mailserverd.toml").read_text()
    parts = re.split(r"^\[([a-z0-9.]+)\]$", text, flags=re.MULTILINE)[1:]
    found = {
        name: re.findall(r"^#?([a-z0-9_]+) = ", part, re.MULTILINE)
        for name, part in zip(parts[::2], parts[1::2], strict=True)
    }
    assert found == {name: [key for key, _ in keys(section)] for name, section in sections()}


def test_another_address_to_listen_on_and_loopback_for_what_must_stay_there(tmp_path: Path) -> None:
    init(tmp_path, "--listen", "0.0.0.0")
    config = load(tmp_path / "mailserverd.toml")
    assert config.smtp.addresses[0].host == "0.0.0.0"
    assert config.lmtp.addresses[0].host == "127.0.0.1"
    assert config.metrics.addresses[0].host == "127.0.0.1"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--domain", "exa..mple"), "--domain: domain 'exa..mple' has a label that is empty or longer than 63 octets"),
        (("--hostname", "a b"), "server.hostname: write the full host name in ASCII"),
        (("--listen", "localhost"), 'smtp.addresses: "localhost:25" is no address'),
    ],
)
def test_what_cannot_be_set_up_leaves_nothing_behind(tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    ended = init(tmp_path / "new", *arguments, check=False)
    assert ended.returncode == 1
    assert line in ended.stderr
    assert ended.stdout == ""
    assert not (tmp_path / "new/mailserverd.toml").exists()


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = init(tmp_path / "file" / "new", check=False)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1


def test_the_program_is_named_in_the_hints_as_it_was_called(monkeypatch: pytest.MonkeyPatch) -> None:
    from mailserverd.cli.init import _program

    monkeypatch.setattr(sys, "argv", [".venv/bin/mailserverd"])
    assert _program() == ".venv/bin/mailserverd"
    monkeypatch.setattr(sys, "argv", ["main.py"])
    assert _program() == "mailserverd"
