"""TLS as clients meet it: versions, resumption, reload; and what is said about unusable files."""

from contextlib import suppress
from pathlib import Path

import pytest
from OpenSSL import SSL

from mailserverd.assembly.self_signed import write_self_signed
from mailserverd.assembly.tls import ServerTls, TlsProblem
from mailserverd.config.schema import Tls


def settings(folder: Path, **more: str) -> Tls:
    return Tls.model_validate(
        {"certificate": str(folder / "c.pem"), "private_key": str(folder / "k.pem"), **more}, context={}
    )


def written(folder: Path, **more: str) -> Tls:
    folder.mkdir(exist_ok=True)
    write_self_signed(folder / "c.pem", folder / "k.pem", "mail.example.org")
    return settings(folder, **more)


def client_context(highest: int | None = None) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    if highest is not None:
        context.set_min_proto_version(SSL.TLS1_VERSION)
        context.set_max_proto_version(highest)
        context.set_cipher_list(b"ALL:@SECLEVEL=0")
    return context


def handshake(server: ServerTls, context: SSL.Context, session: SSL.Session | None = None) -> SSL.Connection:
    """The client's side, after both sides are done."""
    there = server.serverConnectionForTLS(None)  # type: ignore[arg-type]
    there.set_accept_state()
    here = SSL.Connection(context, None)
    here.set_connect_state()
    if session is not None:
        here.set_session(session)
    finished: set[SSL.Connection] = set()
    for _ in range(20):
        for side, other in ((here, there), (there, here)):
            with suppress(SSL.WantReadError):
                side.do_handshake()
                finished.add(side)
            with suppress(SSL.WantReadError):
                other.bio_write(side.bio_read(65536))
        if len(finished) == 2:
            break
    there.send(b"x")
    here.bio_write(there.bio_read(65536))
    assert here.recv(1) == b"x"
    return here


def test_the_newest_version_and_a_p256_certificate(tmp_path: Path) -> None:
    client = handshake(ServerTls(written(tmp_path)), client_context())
    assert client.get_protocol_version_name() == "TLSv1.3"
    certificate = client.get_peer_certificate()
    assert certificate is not None
    assert certificate.to_cryptography().public_key().key_size == 256  # type: ignore[union-attr]


def test_tls_1_2_by_default_and_nothing_older(tmp_path: Path) -> None:
    server = ServerTls(written(tmp_path))
    assert handshake(server, client_context(SSL.TLS1_2_VERSION)).get_protocol_version_name() == "TLSv1.2"
    with pytest.raises(SSL.Error):
        handshake(server, client_context(SSL.TLS1_1_VERSION))


def test_a_minimum_of_1_3_refuses_1_2(tmp_path: Path) -> None:
    with pytest.raises(SSL.Error):
        handshake(ServerTls(written(tmp_path, minimum_version="1.3")), client_context(SSL.TLS1_2_VERSION))


@pytest.mark.parametrize("highest", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_a_client_that_comes_back_resumes_its_session(tmp_path: Path, highest: int) -> None:
    server, context = ServerTls(written(tmp_path)), client_context(highest)
    first = handshake(server, context)
    again = handshake(server, context, first.get_session())
    assert SSL._lib.SSL_session_reused(again._ssl) == 1
    assert SSL._lib.SSL_session_reused(first._ssl) == 0


def test_a_reload_changes_new_handshakes_and_leaves_sessions_alone(tmp_path: Path) -> None:
    server = ServerTls(written(tmp_path / "old"))
    before = handshake(server, client_context())
    server.reload(written(tmp_path / "new"))
    after = handshake(server, client_context())
    assert before.get_peer_certificate() is not None
    old, new = before.get_peer_certificate(), after.get_peer_certificate()
    assert old is not None
    assert new is not None
    assert old.get_serial_number() != new.get_serial_number()


def test_a_failed_reload_leaves_everything_as_it_was(tmp_path: Path) -> None:
    server = ServerTls(written(tmp_path / "old"))
    with pytest.raises(TlsProblem):
        server.reload(settings(tmp_path / "none"))
    handshake(server, client_context())


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(TlsProblem) as caught:
        ServerTls(settings(tmp_path, ciphers="NONSENSE"))
    assert caught.value.lines == [
        "tls.ciphers: names no cipher that OpenSSL knows; remove the line to use the default",
        f"tls.certificate: {tmp_path}/c.pem cannot be read (No such file or directory); put the PEM file there",
        f"tls.private_key: {tmp_path}/k.pem cannot be read (No such file or directory); put the PEM file there",
    ]


def test_a_file_that_is_no_certificate(tmp_path: Path) -> None:
    good = written(tmp_path)
    good.certificate.write_text("hello")
    with pytest.raises(TlsProblem, match="no usable PEM certificate"):
        ServerTls(good)


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    one, two = written(tmp_path / "1"), written(tmp_path / "2")
    with pytest.raises(TlsProblem, match="is not the key of the certificate"):
        ServerTls(Tls(certificate=one.certificate, private_key=two.private_key))


def test_unknown_ciphers(tmp_path: Path) -> None:
    with pytest.raises(TlsProblem, match=r"tls\.ciphers: names no cipher"):
        ServerTls(written(tmp_path, ciphers="NONSENSE"))
