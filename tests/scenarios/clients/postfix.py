"""A Postfix of our own on a loopback port that hands all mail for example.org on to us; needs root, as Postfix does.

Standing rule: it can send nowhere else: every other destination is an error.
"""

from __future__ import annotations

import pwd
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from tests.scenarios.server import free_port

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.test
mydestination =
mynetworks = 127.0.0.0/8
relay_domains = example.org
relay_transport = {transport}
default_transport = error:nothing leaves this machine
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination
message_size_limit = 60000000
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
alias_maps =
alias_database =
smtp_host_lookup = native
smtp_tls_security_level = {tls}
smtp_tls_loglevel = 1
smtp_tls_CAfile = {certificate}
lmtp_tls_security_level = none
"""
MASTER = """
127.0.0.1:{port} inet n - n - 20 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """transport: where mail for example.org goes, such as smtp:[127.0.0.1]:2525."""

    def __init__(self, transport: str, certificate: Path, tls: str = "none") -> None:
        self.transport = transport
        self.certificate = certificate
        self.tls = tls
        self.port = free_port()

    def __enter__(self) -> Self:
        self._made = TemporaryDirectory(prefix="mailserverd-postfix-")
        self.folder = Path(self._made.name)
        self.folder.chmod(0o755)  # its processes run as another user
        for name in ("etc", "queue", "data"):
            (self.folder / name).mkdir()
        owner = pwd.getpwnam("postfix")
        subprocess.run(["chown", f"{owner.pw_uid}", str(self.folder / "data")], check=True)
        trusted = self.folder / "ca.pem"
        trusted.write_bytes(self.certificate.read_bytes())
        trusted.chmod(0o644)
        self._write(
            "main.cf", MAIN.format(folder=self.folder, transport=self.transport, tls=self.tls, certificate=trusted)
        )
        self._write("master.cf", MASTER.format(port=self.port))
        for name in ("dynamicmaps.cf", "postfix-files"):
            self._write(name, (Path("/etc/postfix") / name).read_text())
        self._postfix("start")
        return self

    def _write(self, name: str, text: str) -> None:
        (self.folder / "etc" / name).write_text(text)

    def _postfix(self, verb: str) -> None:
        said = self.folder / "said"
        with said.open("wb") as output:
            status = subprocess.run(
                ["postfix", "-c", str(self.folder / "etc"), verb], stdout=output, stderr=output, timeout=60, check=False
            ).returncode
        assert status == 0, said.read_text() + self.log()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            print(self.log())
        self._postfix("stop")
        self._made.cleanup()

    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text() if file.exists() else ""
