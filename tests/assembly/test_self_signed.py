"""The certificate that a new server starts with."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from mailserverd.assembly.self_signed import write_self_signed


def test_the_names_and_the_key(tmp_path: Path) -> None:
    assert write_self_signed(tmp_path / "tls/c.pem", tmp_path / "tls/k.pem", "mail.example.org")
    certificate = x509.load_pem_x509_certificate((tmp_path / "tls/c.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mail.example.org", "localhost"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert (tmp_path / "tls/k.pem").stat().st_mode & 0o777 == 0o600


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "k.pem").write_text("mine")
    assert not write_self_signed(tmp_path / "c.pem", tmp_path / "k.pem", "mail.example.org")
    assert (tmp_path / "k.pem").read_text() == "mine"
    assert not (tmp_path / "c.pem").exists()


def test_a_very_long_host_name(tmp_path: Path) -> None:
    assert write_self_signed(tmp_path / "c.pem", tmp_path / "k.pem", ("a" * 60 + ".") * 3 + "example")
