import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from mailserverd.wire.authentication.signing_key import UnusableKey, read_key
from tests.wire.authentication.keys import key


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_key_survives_its_file(kind: str) -> None:
    made = key(kind)
    again = read_key(made.domain, made.selector, made.pem())
    assert again.kind == kind
    assert again.record() == made.record()
    assert again.record_name == f"sel-{kind}._domainkey.example.org"
    assert again.record().startswith(f"v=DKIM1; k={kind}; p=")


def _pem(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def test_what_is_no_key_for_mail_is_refused_in_words() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(UnusableKey, match="neither"):
        read_key("d", "s", _pem(curve))
    with pytest.raises(UnusableKey, match="passphrase"):
        read_key("d", "s", _pem(curve, b"secret"))
    with pytest.raises(UnusableKey, match="passphrase"):
        read_key("d", "s", b"-----BEGIN PRIVATE KEY-----\nnot\n-----END PRIVATE KEY-----\n")
