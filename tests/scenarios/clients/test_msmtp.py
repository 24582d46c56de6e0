"""msmtp submits: each mechanism over STARTTLS and TLS from the first octet; it verifies our certificate."""

from pathlib import Path

import pytest

from tests.scenarios.clients.house import ALICE, BOB, PASSWORD, about, certificate, crlf, message, needs, run
from tests.scenarios.server import MailServer

pytestmark = needs("msmtp")
EX_NOUSER, EX_NOPERM = 67, 77


def configured(server: MailServer, home: Path, listener: str, auth: str, password: str = PASSWORD) -> Path:
    file = home / "msmtprc"
    file.write_text(
        f"account default\nhost localhost\nport {server.port(listener)}\nfrom {BOB}\n"
        f"auth {auth}\nuser {BOB}\npasswordeval cat {home}/password\n"
        f"tls on\ntls_starttls {'on' if listener == 'submission' else 'off'}\ntls_trust_file {certificate(server)}\n"
    )
    file.chmod(0o600)
    (home / "password").write_text(f"{password}\n")
    return file


@pytest.mark.parametrize("auth", ["plain", "login", "scram-sha-256", "on"])
@pytest.mark.parametrize("listener", ["submission", "submissions"])
def test_submission(server: MailServer, tmp_path: Path, listener: str, auth: str) -> None:
    subject = f"msmtp-{listener}-{auth}"
    sent = message(subject, BOB, body=".\n..x\nbody\n")
    run("msmtp", "-C", configured(server, tmp_path, listener, auth), "--", ALICE, home=tmp_path, input=sent)
    (came,) = about(server, subject)
    assert crlf(sent).partition(b"\r\n\r\n")[2] == came.partition(b"\r\n\r\n")[2]


def test_refusals(server: MailServer, tmp_path: Path) -> None:
    sent = message("refused", BOB)
    wrong = configured(server, tmp_path, "submission", "scram-sha-256", "wrong")
    said = run("msmtp", "-C", wrong, "--", ALICE, home=tmp_path, input=sent, ok=(EX_NOPERM,))
    assert "authentication failed" in said
    right = configured(server, tmp_path, "submission", "plain")
    said = run("msmtp", "-C", right, "--", "nobody@example.org", home=tmp_path, input=sent, ok=(65, EX_NOUSER))
    assert "550" in said
    assert about(server, "refused") == []
