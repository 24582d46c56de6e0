"""Bindings of a real TLS handshake, in memory: both ends must find the same octets."""

import contextlib
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from mailserverd.accounts.channel_binding import channel_binding, end_point_hash


def certificate(key, algorithm):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.example.org")])
    now = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    return builder.sign(key, algorithm)


@pytest.fixture(scope="module")
def handshakes():
    key = ec.generate_private_key(ec.SECP256R1())
    own = certificate(key, hashes.SHA256())
    server = SSL.Context(SSL.TLS_SERVER_METHOD)
    server.use_certificate(own)
    server.use_privatekey(key)
    server.set_session_id(b"tests")
    clients = {version: SSL.Context(SSL.TLS_CLIENT_METHOD) for version in (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION)}
    for version, client in clients.items():
        client.set_max_proto_version(version)

    def shaken(version, session=None):
        ends = [SSL.Connection(server, None), SSL.Connection(clients[version], None)]
        ends[0].set_accept_state()
        ends[1].set_connect_state()
        if session is not None:
            ends[1].set_session(session)
        for _ in range(10):
            for here, there in (ends, ends[::-1]):
                with contextlib.suppress(SSL.WantReadError):
                    here.do_handshake()
                with contextlib.suppress(SSL.WantReadError):
                    there.bio_write(here.bio_read(65536))
        return ends

    return own, shaken


class Transport:
    def __init__(self, handle):
        self._handle = handle

    def getHandle(self):
        return self._handle


def test_both_ends_agree_on_the_exporter(handshakes):
    server, client = handshakes[1](SSL.TLS1_3_VERSION)
    bound = channel_binding(Transport(server))("tls-exporter")
    assert len(bound) == 32
    assert bound == client.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
    assert bound != channel_binding(Transport(handshakes[1](SSL.TLS1_3_VERSION)[0]))("tls-exporter")


def test_no_exporter_before_tls_1_3(handshakes):
    server, _ = handshakes[1](SSL.TLS1_2_VERSION)
    assert channel_binding(Transport(server))("tls-exporter") is None


def test_unique_is_the_first_finished_of_a_full_handshake_before_tls_1_3(handshakes):
    server, client = handshakes[1](SSL.TLS1_2_VERSION)
    assert channel_binding(Transport(server))("tls-unique") == client.get_finished()
    again, resumed = handshakes[1](SSL.TLS1_2_VERSION, client.get_session())
    first = resumed.get_peer_finished()  # the server's comes first where no keys are exchanged
    assert again.get_finished() == first
    assert channel_binding(Transport(again))("tls-unique") not in (None, first)
    assert channel_binding(Transport(handshakes[1](SSL.TLS1_3_VERSION)[0]))("tls-unique") is None


def test_end_point_is_the_certificates_hash(handshakes):
    own, shaken = handshakes
    binding = channel_binding(Transport(shaken(SSL.TLS1_3_VERSION)[0]))
    assert binding("tls-server-end-point") == own.fingerprint(hashes.SHA256())
    assert binding("of a kind unheard of") is None


def test_no_binding_without_tls():
    assert channel_binding(Transport(object())) is None
    assert channel_binding(object()) is None


def test_hash_follows_the_signature():
    key = rsa.generate_private_key(65537, 2048)
    own = certificate(key, hashes.SHA384())
    assert end_point_hash(own) == own.fingerprint(hashes.SHA384())
    assert end_point_hash(certificate(ed25519.Ed25519PrivateKey.generate(), None)) is None


def test_old_hashes_become_sha256(handshakes):
    class Old:
        signature_hash_algorithm = hashes.SHA1()

        def public_bytes(self, encoding):
            return handshakes[0].public_bytes(serialization.Encoding.DER)

    assert end_point_hash(Old()) == handshakes[0].fingerprint(hashes.SHA256())
