"""The process starts, says so, stops in order, survives kill -9, and refuses to start half."""

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.scenarios.server import ROOT, TWISTD, MailServer, _environment, until


def health(server: MailServer) -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port('metrics')}/health") as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def refused(server: MailServer) -> list[str]:
    """The lines on standard error of a start that is refused."""
    ended = subprocess.run(
        [*TWISTD, "-n", "--pidfile=", "mailserverd", "--config", str(server.config_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    return ended.stderr.splitlines()


def test_ready_healthy_and_stopped_in_order(tmp_path: Path) -> None:
    with MailServer(tmp_path) as server:
        assert health(server) == (200, {"status": "ok"})
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port('metrics')}/metrics") as answer:
            assert b"mailserverd_reactor_delay_seconds_bucket" in answer.read()
        assert server.stop() == -15
    assert server.output[-1].endswith(" stopped\n")
    assert not (tmp_path / "twistd.pid").exists()


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with MailServer(tmp_path) as server:
        assert refused(server) == [
            f"{server.config_path}: server.data_directory: {server.data} is in use by process {server.pid}; "
            "stop that one first"
        ]
        assert health(server)[0] == 200


def test_kill_9_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    server = MailServer(tmp_path)
    server.start()
    server.kill()
    assert (tmp_path / "twistd.pid").exists()
    # The number in the file may be another process's by now: our own is as alive as any.
    (tmp_path / "twistd.pid").write_text(str(os.getpid()))
    with server:
        assert health(server)[0] == 200


def test_everything_wrong_is_told_at_once_and_nothing_is_started(tmp_path: Path) -> None:
    server = MailServer(tmp_path)
    (tmp_path / "tls/private_key.pem").unlink()
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.port("imap")))
        other.listen()
        lines = refused(server)
        assert [line.split(": ")[1] for line in lines] == ["tls.private_key", "imap.addresses"]
        server.set("submission", max_recipients="many")
        lines = refused(server)
    assert lines[0] == f"{server.config_path}: submission.max_recipients: write a whole number without quotes"
    assert [line.split(": ")[1] for line in lines[1:]] == ["tls.private_key", "imap.addresses"]


def test_as_a_daemon_with_pid_and_log_file(tmp_path: Path) -> None:
    server = MailServer(tmp_path)
    pidfile = tmp_path / "twistd.pid"
    arguments = [*TWISTD, f"--pidfile={pidfile}", "mailserverd", "--config", str(server.config_path)]
    subprocess.run(arguments, check=True, cwd=ROOT, env=_environment(), stdin=subprocess.DEVNULL, timeout=60)
    pid = server.pid
    log = server.data / "mailserverd.log"
    until(lambda: " assembly.lifecycle ready\n" in log.read_text())
    assert int((server.data / "lock").read_text()) == pid
    os.kill(pid, 15)
    until(lambda: not pidfile.exists())
    assert log.read_text().endswith(" stopped\n")


def test_sighup_takes_the_new_file_over(tmp_path: Path) -> None:
    with MailServer(tmp_path) as server:
        server.set("limits", max_connections=3)
        server.set("store", zstd_level=3)
        server.reload()
        until(lambda: any("configuration reloaded" in line for line in server.output))
        assert any("this change waits for a restart key=store.zstd_level" in line for line in server.output)


@pytest.mark.parametrize("verb", ["check-config", "status"])
def test_verbs_on_a_running_server(tmp_path: Path, verb: str) -> None:
    with MailServer(tmp_path) as server:
        assert json.loads(server.cli("--json", verb).stdout)["running"] is True
