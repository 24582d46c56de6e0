"""swaks against every SMTP listener: TLS in each way, each mechanism, what is refused."""

from pathlib import Path

import pytest

from tests.scenarios.clients.house import ALICE, BOB, PASSWORD, about, certificate, needs, run
from tests.scenarios.server import MailServer

pytestmark = needs("swaks")
NO_TLS, WRONG_PASSWORD, NO_RECIPIENT = 29, 28, 24


def swaks(server: MailServer, home: Path, listener: str, *more: str, ok: tuple[int, ...] = (0,)) -> str:
    common = ("--server", "localhost", "--port", str(server.port(listener)), "--helo", "client.test")
    trust = ("--tls-verify", "--tls-ca-path", str(certificate(server)))
    return run("swaks", *common, *trust, *more, home=home, ok=ok)


@pytest.mark.parametrize("tls", ["", "--tls", "--pipeline"])
def test_mx(server: MailServer, tmp_path: Path, tls: str) -> None:
    subject = f"swaks mx {tls.strip('-')}end"
    said = swaks(
        server, tmp_path, "smtp", "--from", "x@elsewhere.test", "--to", f"{ALICE},{BOB}", "--h-Subject", subject,
        "--body", "a.test\n.\nlast", *filter(None, [tls]),
    )  # fmt: skip
    assert "250 2.0.0" in said
    assert ("STARTTLS" in said) or not tls.endswith("tls")
    for user in (ALICE, BOB):
        (came,) = about(server, subject, user)
        assert b"\r\n\r\na.test\r\n.\r\nlast" in came


def test_mx_refusals(server: MailServer, tmp_path: Path) -> None:
    said = swaks(
        server, tmp_path, "smtp", "--from", "x@elsewhere.test", "--to", "nobody@example.org", ok=(NO_RECIPIENT,)
    )
    assert "550 5.1.1" in said
    said = swaks(server, tmp_path, "smtp", "--from", ALICE, "--to", "x@elsewhere.test", ok=(NO_RECIPIENT,))
    assert "550 5.7.1" in said


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(("listener", "tls"), [("submission", "--tls"), ("submissions", "--tls-on-connect")])
def test_submission(server: MailServer, tmp_path: Path, listener: str, tls: str, mechanism: str) -> None:
    subject = f"swaks {listener} {mechanism}"
    login = ("--auth", mechanism, "--auth-user", BOB, "--auth-password", PASSWORD)
    said = swaks(server, tmp_path, listener, tls, *login, "--from", BOB, "--to", ALICE, "--h-Subject", subject)
    assert "235 2.7.0" in said
    assert len(about(server, subject)) == 1


def test_submission_refusals(server: MailServer, tmp_path: Path) -> None:
    envelope = ("--from", BOB, "--to", ALICE)
    login = ("--auth", "PLAIN", "--auth-user", BOB, "--auth-password")
    assert "530 5.7.0" in swaks(server, tmp_path, "submission", *envelope, ok=(23,))
    assert "535 5.7.8" in swaks(server, tmp_path, "submission", "--tls", *login, "no", *envelope, ok=(WRONG_PASSWORD,))
    swaks(server, tmp_path, "submission", *login, PASSWORD, *envelope, ok=(WRONG_PASSWORD,))  # AUTH is not offered
    stranger = ("--from", ALICE, "--to", ALICE)
    assert "553 5.7.1" in swaks(server, tmp_path, "submission", "--tls", *login, PASSWORD, *stranger, ok=(23,))
    nobody = ("--from", BOB, "--to", "nobody@example.org")
    said = swaks(server, tmp_path, "submission", "--tls", *login, PASSWORD, *nobody, ok=(NO_RECIPIENT,))
    assert "550 5.1.1" in said


def test_lmtp(server: MailServer, tmp_path: Path) -> None:
    said = swaks(
        server, tmp_path, "lmtp", "--protocol", "LMTP", "--from", "x@elsewhere.test", "--to", f"{ALICE},{BOB}",
        "--h-Subject", "swaks lmtp",
    )  # fmt: skip
    assert said.count("250 2.0.0") + said.count("250 2.1.5") >= 4
    assert len(about(server, "swaks lmtp")) == len(about(server, "swaks lmtp", BOB)) == 1
