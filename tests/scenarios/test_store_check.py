"""`store check` beside the running server and without it; damage is found, and mended where it can be."""

import json
import smtplib
from pathlib import Path

from mailserverd.assembly.offline import offline
from tests.scenarios.server import MailServer

ALICE = "alice@example.org"


def delivered(server: MailServer, count: int) -> None:
    with smtplib.SMTP("127.0.0.1", server.port("smtp")) as client:
        for number in range(count):
            body = "x" * (50_000 if number == 0 else 10)
            client.sendmail("x@elsewhere.test", [ALICE], f"Subject: {number}\r\n\r\n{body}\r\n")


def test_beside_the_running_server_and_while_it_is_down(tmp_path: Path) -> None:
    server = MailServer(tmp_path, {ALICE: "secret"})
    with server:
        delivered(server, 3)
        live = json.loads(server.cli("store", "check", "--json").stdout)
    down = json.loads(server.cli("store", "check", "--json").stdout)
    for found in (live, down):
        assert (found["clean"], found["messages"], found["findings"]) == (True, 3, [])
    assert server.cli("store", "check").stdout.startswith("clean: 1 accounts, 3 messages")


def test_damage_is_found_and_told(tmp_path: Path) -> None:
    server = MailServer(tmp_path, {ALICE: "secret"})
    with server:
        delivered(server, 2)
    blob = next(path for path in (server.data / "blobs").rglob("*") if path.is_file() and path.stat().st_size > 40_000)
    blob.unlink()
    ended = server.cli("store", "check", check=False)
    assert ended.returncode == 1
    assert "loss" in ended.stdout


def test_what_can_be_rebuilt_is_mended_in_the_running_server(tmp_path: Path) -> None:
    server = MailServer(tmp_path, {ALICE: "secret"})
    with server:
        delivered(server, 2)

    async def lose_the_journal(backends: object, reactor: object) -> None:
        keys = [key for key, _ in backends.environment.scan(b"J")]  # type: ignore[attr-defined]
        assert keys
        await backends.writer.submit(lambda step: [step.delete(key) for key in keys])  # type: ignore[attr-defined]

    offline(server.config, lose_the_journal)
    with server:
        found = json.loads(server.cli("store", "check", "--json", check=False).stdout)
        assert not found["clean"]
        assert json.loads(server.cli("store", "check", "--repair", "--json").stdout)["mended"] > 0
        assert json.loads(server.cli("store", "check", "--json").stdout)["clean"]


def test_a_store_from_a_backup_begins_a_new_epoch_before_it_starts(tmp_path: Path) -> None:
    server = MailServer(tmp_path, {ALICE: "secret"})
    with server:
        delivered(server, 2)
        refused = server.cli("store", "restored", check=False)
        assert (refused.returncode, "has to be down" in refused.stderr) == (1, True)
    assert json.loads(server.cli("store", "restored", "--json").stdout)["accounts"] == 1
    assert json.loads(server.cli("store", "check", "--json").stdout)["clean"]
