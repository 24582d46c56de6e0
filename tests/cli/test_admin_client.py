"""How a verb reaches the directory, with and without a running server."""

import json
import socket
import threading

import pytest

from mailserverd.accounts.administration import VerbRefused
from mailserverd.assembly.admin_socket import SOCKET_NAME
from mailserverd.assembly.data_lock import DataInUse, DataLock
from mailserverd.cli import admin_client
from mailserverd.cli.admin_client import call
from mailserverd.config.load import parse


@pytest.fixture
def config(tmp_path):
    (tmp_path / "data").mkdir()
    text = '[server]\nhostname = "mx.example.org"\ndata_directory = "data"\n[tls]\n'
    return parse(text, tmp_path / "mailserverd.toml")


class Server:
    """Answers one request on the admin socket with these octets."""

    def __init__(self, config, answer):
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(config.server.data_directory / SOCKET_NAME))
        self.listening.listen()
        self.answer = answer
        self.request = None
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        connection, _ = self.listening.accept()
        with connection, connection.makefile("rb") as stream:
            self.request = json.loads(stream.readline())
            connection.sendall(self.answer)

    def end(self):
        self.thread.join(10)
        self.listening.close()
        return self.request


def test_the_running_server_is_asked(config):
    server = Server(config, b'{"result": [1, "\xc3\xbc"]}\n')
    assert call(config, "account list", {"domain": "ü.example"}) == [1, "ü"]
    assert server.end() == {"verb": "account list", "arguments": {"domain": "ü.example"}}


def test_its_refusal_is_passed_on(config):
    server = Server(config, b'{"error": "no account x"}\n')
    with pytest.raises(VerbRefused, match="no account x"):
        call(config, "account show", {"address": "x"})
    server.end()


def test_a_server_that_stops_before_it_answers(config):
    server = Server(config, b'{"resu')
    with pytest.raises(VerbRefused, match="stopped before it answered"):
        call(config, "account list", {})
    server.end()


def test_without_a_server_the_verb_is_done_here(config):
    call(config, "domain add", {"name": "example.org"})
    made = call(config, "account add", {"address": "anna@example.org", "password": "pw"})
    assert made["address"] == "anna@example.org"
    shown = call(config, "account show", {"address": "anna@example.org"})
    assert shown["has_password"]
    DataLock(config.server.data_directory).release()  # nobody holds it any more


def test_a_starting_server_is_waited_for(config):
    lock = DataLock(config.server.data_directory)
    servers = []

    def pause(seconds):
        if not servers:
            servers.append(Server(config, b'{"result": "up"}\n'))

    assert call(config, "account list", {}, pause) == "up"
    servers[0].end()
    lock.release()


def test_but_not_for_ever(config, monkeypatch):
    monkeypatch.setattr(admin_client, "ATTEMPTS", 3)
    lock, pauses = DataLock(config.server.data_directory), []
    with pytest.raises(DataInUse):
        call(config, "account list", {}, pauses.append)
    assert len(pauses) == 2
    lock.release()


def test_no_data_directory(config, tmp_path):
    (tmp_path / "data").rmdir()
    with pytest.raises(FileNotFoundError, match="mailserverd init"):
        call(config, "account list", {})
