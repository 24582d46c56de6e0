"""GNU SASL's own client logs in with SCRAM-SHA-256-PLUS: an implementation of channel binding that is not ours."""

from pathlib import Path

import pytest

from tests.scenarios.clients.house import ALICE, PASSWORD, certificate, needs, run
from tests.scenarios.server import MailServer

pytestmark = needs("gsasl")
VERSIONS = {"1.3": "NORMAL", "1.2": "NORMAL:-VERS-TLS1.3"}


def logged_in(server: MailServer, home: Path, mechanism: str, tls: str, password: str = PASSWORD, ok: int = 0) -> str:
    return run(
        "gsasl",
        "--imap",
        f"--connect=localhost:{server.port('imap')}",
        "--starttls",
        f"--x509-ca-file={certificate(server)}",
        f"--priority={VERSIONS[tls]}",
        f"--mechanism={mechanism}",
        *(() if mechanism.endswith("-PLUS") else ("--no-cb",)),  # else it will not do without
        f"--authentication-id={ALICE}",
        f"--password={password}",
        "--verbose",
        home=home,
        ok=(ok,),
    )


@pytest.mark.parametrize("tls", VERSIONS)
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN"])
def test_login(server: MailServer, tmp_path: Path, mechanism: str, tls: str) -> None:
    said = logged_in(server, tmp_path, mechanism, tls)
    assert f"(TLS{tls})" in said
    assert "Client authentication finished (server trusted)" in said
    assert "] Logged in" in said


@pytest.mark.parametrize("tls", VERSIONS)
def test_a_wrong_password_is_refused(server: MailServer, tmp_path: Path, tls: str) -> None:
    said = logged_in(server, tmp_path, "SCRAM-SHA-256-PLUS", tls, "wrong", 1)
    assert "AUTHENTICATIONFAILED" in said
