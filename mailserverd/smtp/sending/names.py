"""Whether a certificate is for a name (RFC 6125, RFC 9525).

Standing rules: the names are those in the subjectAltName; the common name counts for DANE-TA alone, and there only
where no DNS name stands beside it (RFC 7672 §3.2.3).
"""

from collections.abc import Iterable
from ipaddress import ip_address

from cryptography import x509
from cryptography.x509.oid import NameOID
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import verify_certificate_hostname, verify_certificate_ip_address


def is_for(certificate: x509.Certificate, names: Iterable[str]) -> bool:
    """Whether for one of them, each a host or an address."""
    return any(_is_for(certificate, name) for name in names)


def _is_for(certificate: x509.Certificate, name: str) -> bool:
    try:
        if _is_address(name):
            verify_certificate_ip_address(certificate, name)
        else:
            verify_certificate_hostname(certificate, name)
    except (VerificationError, CertificateError, ValueError):  # ValueError: a name or an extension that is none
        return False
    return True


def common_name_is(certificate: x509.Certificate, names: Iterable[str]) -> bool:
    """For a certificate without DNS names."""
    try:
        names_given = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if names_given.get_values_for_type(x509.DNSName):
            return False
    except x509.ExtensionNotFound:
        pass
    except ValueError:
        return False
    wanted = {name.lower() for name in names}
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return any(isinstance(each.value, str) and each.value.lower() in wanted for each in found)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
