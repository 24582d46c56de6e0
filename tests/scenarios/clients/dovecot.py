"""A Dovecot of our own on a loopback port: one user, Maildir, in a folder of its own; needs root, as Dovecot does."""

from __future__ import annotations

import imaplib
import os
import pwd
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from tests.scenarios.server import free_port, until

USER, SECRET = "peer", "peerpass"
START_SECONDS = 30
CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 1
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
passdb {{
  driver = static
  args = password={secret}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
"""


class Dovecot:
    def __init__(self) -> None:
        self.port = free_port()

    def __enter__(self) -> Self:
        owner = pwd.getpwnam("nobody")
        self._made = TemporaryDirectory(prefix="mailserverd-dovecot-")
        self.folder = Path(self._made.name)
        self.folder.chmod(0o755)  # its processes run as other users
        for name in ("run", "state", "mail"):
            (self.folder / name).mkdir()
        os.chown(self.folder / "mail", owner.pw_uid, owner.pw_gid)
        file = self.folder / "dovecot.conf"
        file.write_text(
            CONFIGURATION.format(folder=self.folder, port=self.port, uid=owner.pw_uid, gid=owner.pw_gid, secret=SECRET)
        )
        self.process = subprocess.Popen(["dovecot", "-F", "-c", str(file)], stdin=subprocess.DEVNULL)
        try:
            until(self._answers, START_SECONDS)
        except AssertionError:
            print((self.folder / "log").read_text())
            self.__exit__(None, None, None)
            raise
        return self

    def _answers(self) -> bool:
        try:
            self.connect().logout()
        except (OSError, imaplib.IMAP4.error):
            return False
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.wait(30)
        self._made.cleanup()

    def connect(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=30)
        try:
            client.login(USER, SECRET)
        except imaplib.IMAP4.error:
            client.shutdown()
            raise
        return client
