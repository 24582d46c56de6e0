"""AUTH over TLS, with servers of several habits."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from mailserverd.interfaces.mail_transport import HopFailed
from mailserverd.model.outcome import TryLater
from mailserverd.wire.sasl.scram import Scram, derive_keys
from mailserverd.wire.sasl.steps import Challenge, Failed, KeysWanted, ScramKeys
from tests.smtp.sending.certificates import good, middle, root
from tests.smtp.sending.conftest import Connect
from tests.smtp.sending.tls_peer import TlsPeer


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    return good().write(tmp_path, middle(), root())


def decoded(text: str) -> bytes:
    return base64.b64decode(text)


def encoded(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def plain(peer: TlsPeer) -> None:
    peer.offers_tls("AUTH LOGIN PLAIN")
    line = peer.hears("AUTH PLAIN ")
    assert decoded(line.split()[2]) == b"\0anna\0secret"
    peer.says("235 2.7.0 welcome")


def login(peer: TlsPeer) -> None:
    peer.offers_tls("AUTH=LOGIN")
    assert peer.hears() == "AUTH LOGIN"
    peer.says("334 VXNlcm5hbWU6")
    assert decoded(peer.hears()) == b"anna"
    peer.says("334 UGFzc3dvcmQ6")
    assert decoded(peer.hears()) == b"secret"
    peer.says("235 ok")


def scram(peer: TlsPeer, password: bytes = b"secret", in_the_reply: bool = False) -> None:
    peer.offers_tls("AUTH PLAIN SCRAM-SHA-256")
    server = Scram(plus=False, channel=None, nonce=b"server")
    step = server.start(decoded(peer.hears("AUTH SCRAM-SHA-256 ").split()[2]))
    assert isinstance(step, KeysWanted)
    step = server.keys(ScramKeys(b"salt", 4096, (derive_keys(password, b"salt", 4096),)))
    assert isinstance(step, Challenge)
    peer.says(f"334 {encoded(step.octets)}")
    step = server.step(decoded(peer.hears()))
    if isinstance(step, Failed):
        peer.says("535 5.7.8 wrong")
        return
    assert isinstance(step, Challenge)
    if in_the_reply:
        peer.says(f"235 {encoded(step.octets)}")
        return
    peer.says(f"334 {encoded(step.octets)}")
    assert peer.hears() == ""
    peer.says("235 2.7.0 welcome")


@pytest.mark.parametrize("script", [plain, login, scram, lambda peer: scram(peer, in_the_reply=True)])
def test_let_in(script: object, connect: Connect, chain: Path) -> None:
    assert callable(script)
    with TlsPeer(script, chain) as peer:
        connection = connect(peer.port, "verify", credentials=("anna", "secret"))
        assert connection.idle()
        connection.abort()


def refuses(peer: TlsPeer) -> None:
    peer.offers_tls("AUTH PLAIN")
    peer.hears("AUTH")
    peer.says("535 5.7.8 no such user")


def offers_nothing_known(peer: TlsPeer) -> None:
    peer.offers_tls("AUTH GSSAPI")
    assert peer.waits_for_end() == ["QUIT"]


def proves_nothing(peer: TlsPeer) -> None:
    peer.offers_tls("AUTH SCRAM-SHA-256")
    peer.hears("AUTH")
    peer.says("235 welcome, whoever you are")
    assert peer.waits_for_end() == []


def never_ends(peer: TlsPeer) -> None:
    peer.offers_tls("AUTH LOGIN")
    while peer.hears():
        peer.says("334 bW9yZQ==")


def is_no_base64(peer: TlsPeer) -> None:
    peer.offers_tls("AUTH LOGIN")
    peer.hears("AUTH")
    peer.says("334 ???")
    assert peer.waits_for_end() == []


@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        (refuses, "4.7.8", 535),
        (lambda peer: scram(peer, b"another"), "4.7.8", 535),
        (offers_nothing_known, "4.7.0", 0),
        (proves_nothing, "4.7.0", 0),
        (never_ends, "4.7.0", 0),
        (is_no_base64, "4.7.0", 0),
    ],
)
def test_not_let_in(script: object, status: str, code: int, connect: Connect, chain: Path) -> None:
    assert callable(script)
    with TlsPeer(script, chain) as peer:
        with pytest.raises(HopFailed) as caught:
            connect(peer.port, "verify", credentials=("anna", "secret"))
    failed = caught.value
    assert (failed.stage, failed.code, failed.outcome.status) == ("auth", code, status)
    assert isinstance(failed.outcome, TryLater)  # the mail is good: it waits for somebody to mend the password
    assert "secret" not in failed.outcome.why
