"""SIGTERM: every session hears of it in its protocol's words before its connection ends."""

import smtplib
import socket
from pathlib import Path
from threading import Thread

import pytest

from tests.scenarios.clients.house import ALICE, PASSWORD, imap
from tests.scenarios.server import MailServer


@pytest.mark.parametrize("idle", [True, False])
def test_bye_and_421(tmp_path: Path, idle: bool) -> None:
    with MailServer(tmp_path, {ALICE: PASSWORD}) as server:
        reader = imap(server)
        reader.select("INBOX")
        if idle:
            reader.send(b"x IDLE\r\n")
            assert reader.readline().startswith(b"+ ")
        sender = smtplib.SMTP("127.0.0.1", server.port("smtp"), timeout=30)
        sender.ehlo()
        popper = socket.create_connection(("127.0.0.1", server.port("pop3")), 30)
        assert popper.recv(100).startswith(b"+OK")
        stopping = Thread(target=server.stop)
        stopping.start()
        assert reader.readline().startswith(b"* BYE ")
        assert reader.readline() == b""
        assert sender.getreply()[0] == 421
        assert popper.recv(100).startswith(b"-ERR [SYS/TEMP] ")  # RFC 3206 §4
        assert popper.recv(100) == b""
        stopping.join()
        reader.shutdown()
        sender.close()
        popper.close()
