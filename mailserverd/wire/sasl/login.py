"""LOGIN (draft-murchison-sasl-login): two prompts. Standing rule: kept for Outlook; PLAIN says the same in one line."""

from mailserverd.wire.sasl.prepare import MAX_LOGIN_OCTETS, MAX_PASSWORD_OCTETS
from mailserverd.wire.sasl.steps import Challenge, Failed, Fault, PasswordGiven, Step


class Login:
    __slots__ = ("_login",)

    def __init__(self) -> None:
        self._login: str | None = None

    def start(self, initial: bytes | None) -> Step:
        return Challenge(b"Username:") if initial is None else self.step(initial)

    def step(self, response: bytes) -> Step:
        if self._login is not None:
            return self._password(self._login, response)
        if not 0 < len(response) <= MAX_LOGIN_OCTETS:
            return Failed(Fault.MALFORMED, "empty or overlong name")
        try:
            self._login = response.decode()
        except UnicodeDecodeError:
            return Failed(Fault.MALFORMED, "name is not UTF-8")
        if "\0" in self._login:
            return Failed(Fault.MALFORMED, "NUL in the name")
        return Challenge(b"Password:")

    @staticmethod
    def _password(login: str, password: bytes) -> Step:
        if not 0 < len(password) <= MAX_PASSWORD_OCTETS:
            return Failed(Fault.MALFORMED, "empty or overlong password")
        return PasswordGiven(login, "", password)
