"""TLS towards another server: what is offered in the handshake, and whether what came of it will do.

Standing rules: never below TLS 1.2; the handshake itself refuses no certificate, so that what is wrong with one can be
told, and no octet of mail goes before `check` has passed; nothing is believed of the certificate under "may" and
"encrypt", not even where it is looked at. Reasons are those of TLS reports (RFC 8460 §4.3).
"""

from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from cryptography import x509
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from zope.interface import implementer

from mailserverd.interfaces.mail_transport import Hop, TlsRule
from mailserverd.smtp.sending.dane import matches_anchor, matches_end_entity, usable
from mailserverd.smtp.sending.names import common_name_is, is_for

_VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
_OPTIONS = SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION
_STRONG = b"DEFAULT:!aNULL:!eNULL:!3DES:!RC4:!MD5:!SEED:!IDEA:!CAMELLIA:!PSK:!SRP"
_ANY = b"DEFAULT:!eNULL:!3DES:!RC4:!MD5:@SECLEVEL=0"  # better than plaintext, which is what else there would be

# Of OpenSSL's x509_vfy.h.
_EXPIRED = 10
_NOT_TRUSTED = frozenset({2, 18, 19, 20, 21, 24, 27})


class NotTrusted(Exception):
    """The server's certificate does not do. reason: for reports."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(why)
        self.reason = reason


class ClientTls:
    """ca_file: authorities trusted besides the system's; None: no others. Read once for each kind of context."""

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file
        self._contexts: dict[tuple[bool, bool, str], SSL.Context] = {}
        self._problems: WeakKeyDictionary[SSL.Connection, list[int]] = WeakKeyDictionary()

    def creator(self, hop: Hop) -> "Creator":
        rule = hop.tls
        name = rule.names[0] if rule.need == "dane" and rule.names else hop.host  # RFC 7672 §8.1
        strong, judged = rule.need not in ("none", "may"), rule.need == "verify" or watched(rule)
        kind = (strong, judged, rule.minimum)
        context = self._contexts.get(kind)
        if context is None:
            context = self._contexts[kind] = self._context(*kind)
        return Creator(context, name, self._problems)

    def _context(self, strong: bool, judged: bool, minimum: str) -> SSL.Context:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(_VERSIONS[minimum])
        context.set_options(_OPTIONS)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.set_cipher_list(_STRONG if strong else _ANY)
        if judged:
            context.set_default_verify_paths()
            if self._ca_file is not None:
                context.load_verify_locations(str(self._ca_file))
            context.set_verify(SSL.VERIFY_PEER, self._note)
        return context

    def _note(self, connection: SSL.Connection, certificate: Any, error: int, depth: int, good: int) -> bool:
        if not good:
            self._problems[connection].append(error)
        return True


@implementer(IOpenSSLClientConnectionCreator)
class Creator:
    """Of one connection's TLS. problems: the errors that OpenSSL found in the chain."""

    def __init__(self, context: SSL.Context, name: str, noted: WeakKeyDictionary[SSL.Connection, list[int]]) -> None:
        self._context = context
        self._name = name
        self._noted = noted
        self.problems: list[int] = []
        self.connection: SSL.Connection | None = None

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        connection = SSL.Connection(self._context, None)
        self._noted[connection] = self.problems  # Twisted takes the place for application data
        if not _is_address(self._name):  # RFC 6066 §3: no address in SNI
            connection.set_tlsext_host_name(self._name.encode("ascii", "ignore"))
        self.connection = connection
        return connection


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def described(connection: SSL.Connection) -> str:
    """Such as "TLSv1.3 TLS_AES_256_GCM_SHA384"."""
    return f"{connection.get_protocol_version_name()} {connection.get_cipher_name() or 'unknown'}"


def watched(rule: TlsRule) -> bool:
    """Nothing depends on the certificate, but a policy that is only tested wants to know of it (RFC 8461 §5)."""
    return rule.need in ("may", "encrypt") and bool(rule.names)


def check(creator: Creator, hop: Hop) -> bool:
    """After the handshake: whether the server is known to be who it should be. Raises NotTrusted."""
    if watched(hop.tls):
        with suppress(NotTrusted):
            return check(creator, replace(hop, tls=replace(hop.tls, need="verify")))
        return False
    need = hop.tls.need
    if need not in ("verify", "dane") or creator.connection is None:
        return False
    chain = _chain(creator.connection)
    if not chain:
        raise NotTrusted("validation-failure", "the server showed no certificate")
    if need == "verify":
        _check_authorities(creator.problems, chain[0], hop.tls.names or (hop.host,))
        return True
    return _check_dane(chain, hop)


def _chain(connection: SSL.Connection) -> list[x509.Certificate]:
    try:
        return list(connection.get_peer_cert_chain(as_cryptography=True) or [])
    except ValueError:
        raise NotTrusted("validation-failure", "the server's certificate cannot be read") from None


def _check_authorities(problems: list[int], leaf: x509.Certificate, names: tuple[str, ...]) -> None:
    if problems:
        first = problems[0]
        if first == _EXPIRED:
            raise NotTrusted("certificate-expired", "the server's certificate has expired")
        if first in _NOT_TRUSTED:
            raise NotTrusted("certificate-not-trusted", "the server's certificate is of no authority that is trusted")
        raise NotTrusted("validation-failure", f"the server's certificate does not hold (X.509 error {first})")
    if not is_for(leaf, names):
        raise NotTrusted("certificate-host-mismatch", f"the server's certificate is not for {' or '.join(names)}")


def _check_dane(chain: list[x509.Certificate], hop: Hop) -> bool:
    records = [each for each in hop.tls.tlsa if usable(each)]
    if not records:
        return False  # RFC 7672 §2.2: none is usable: TLS, without knowing who it is
    if matches_end_entity(chain[0], records):
        return True
    if not matches_anchor(chain, records):
        raise NotTrusted("validation-failure", "the server's certificate is not one that its TLSA records name")
    names = hop.tls.names or (hop.host,)
    if not is_for(chain[0], names) and not common_name_is(chain[0], names):
        raise NotTrusted("certificate-host-mismatch", f"the server's certificate is not for {' or '.join(names)}")
    return True
