"""PLAIN (RFC 4616). Standing rule: the password's octets pass through untouched; who verifies them prepares them."""

from mailserverd.wire.sasl.prepare import MAX_LOGIN_OCTETS, MAX_PASSWORD_OCTETS
from mailserverd.wire.sasl.steps import Challenge, Failed, Fault, PasswordGiven, Step


class Plain:
    """message = [authzid] UTF8NUL authcid UTF8NUL passwd"""

    __slots__ = ()

    def start(self, initial: bytes | None) -> Step:
        return Challenge(b"") if initial is None else self.step(initial)

    def step(self, response: bytes) -> Step:
        parts = response.split(b"\0")
        if len(parts) != 3:
            return Failed(Fault.MALFORMED, "PLAIN takes authorization id, name and password parted by NUL")
        authorize_as, login, password = parts
        if not login or not password:  # RFC 4616 §2: both are 1*SAFE
            return Failed(Fault.MALFORMED, "PLAIN with an empty name or password")
        if max(len(login), len(authorize_as)) > MAX_LOGIN_OCTETS or len(password) > MAX_PASSWORD_OCTETS:
            return Failed(Fault.MALFORMED, "name or password too long")
        try:
            return PasswordGiven(login.decode(), authorize_as.decode(), password)
        except UnicodeDecodeError:
            return Failed(Fault.MALFORMED, "name is not UTF-8")
