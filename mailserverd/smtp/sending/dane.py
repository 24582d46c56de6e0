"""TLSA records against the certificates that a server showed (RFC 6698, RFC 7671, RFC 7672).

Standing rules: only DANE-EE(3) and DANE-TA(2) count, other usages and what is not known make a record unusable
(RFC 7672 §3.1.3); an EE record that matches is all that is asked, neither names nor dates (§3.1.1); a TA record asks
for a chain that holds and for a name (§3.1.2). Where TLSA records come from, and that they are secure, is not
judged here.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from OpenSSL import crypto

from mailserverd.interfaces.resolver import TlsaRecord

DANE_TA: Final = 2
DANE_EE: Final = 3
_OCTETS = {1: 32, 2: 64}
_digests: dict[int, Callable[[bytes], bytes]] = {
    0: lambda octets: octets,
    1: lambda octets: hashlib.sha256(octets).digest(),
    2: lambda octets: hashlib.sha512(octets).digest(),
}


def usable(record: TlsaRecord) -> bool:
    """RFC 7672 §3.1: a usage, selector and matching type that mean something here, and data that can match."""
    if record.usage not in (DANE_TA, DANE_EE) or record.selector not in (0, 1) or record.matching not in _digests:
        return False
    return len(record.data) == _OCTETS[record.matching] if record.matching else bool(record.data)


def matches_end_entity(leaf: x509.Certificate, records: Sequence[TlsaRecord]) -> bool:
    return any(record.usage == DANE_EE and _matches(leaf, record) for record in records)


def matches_anchor(chain: Sequence[x509.Certificate], records: Sequence[TlsaRecord]) -> bool:
    """Whether the first certificate of the chain was issued below a trust anchor that a record names."""
    return any(anchor != chain[0] and _holds(chain, anchor) for anchor in _anchors(chain[1:], records))


def _matches(certificate: x509.Certificate, record: TlsaRecord) -> bool:
    if record.selector == 0:
        octets = certificate.public_bytes(Encoding.DER)
    else:
        octets = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _digests[record.matching](octets) == record.data


def _anchors(issuers: Sequence[x509.Certificate], records: Sequence[TlsaRecord]) -> Iterator[x509.Certificate]:
    for record in records:
        if record.usage != DANE_TA:
            continue
        for certificate in issuers:
            if _matches(certificate, record):
                yield certificate
        if record.selector == 0 and record.matching == 0:  # RFC 7671 §5.2.3: need not be in the chain
            try:
                yield x509.load_der_x509_certificate(record.data)
            except ValueError:
                continue


def _holds(chain: Sequence[x509.Certificate], anchor: x509.Certificate) -> bool:
    """Signatures, dates and the right to issue, from the first certificate up to the anchor."""
    store = crypto.X509Store()
    store.add_cert(crypto.X509.from_cryptography(anchor))
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)  # the anchor need not be a root
    leaf, *others = [crypto.X509.from_cryptography(each) for each in chain]
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True
