"""The values of a login: who asks (Peer), who came in (Login), why not (LoginFailure, Refusal)."""

import enum
from dataclasses import dataclass
from typing import NamedTuple

from mailserverd.model.account import Account, Revoked


class Peer(NamedTuple):
    """The other end as it is now (after STARTTLS there is a new Peer). address: the IP address in text, as PROXY or the
    socket says; protocol: "imap", "smtp" or "pop3"; session: the session's id in the log."""

    address: str
    tls: bool
    protocol: str
    session: str = ""


class Refusal(enum.Enum):
    """Why a login failed, with the reply code of each wire: (SMTP, enhanced status, IMAP code, POP3 code, text)."""

    INVALID = (535, "5.7.8", "AUTHENTICATIONFAILED", "AUTH", "Wrong name or password")
    DISABLED = (535, "5.7.13", "CONTACTADMIN", "AUTH", "This account is disabled")
    NOT_AUTHORIZED = (535, "5.7.8", "AUTHORIZATIONFAILED", "AUTH", "Not allowed to act for that account")
    UNAVAILABLE = (454, "4.7.0", "UNAVAILABLE", "SYS/TEMP", "Cannot verify the password now, try again later")
    TLS_REQUIRED = (538, "5.7.11", "PRIVACYREQUIRED", "AUTH", "Logging in needs TLS first")
    UNKNOWN_MECHANISM = (504, "5.5.4", "CANNOT", "", "No such authentication mechanism")
    MALFORMED = (501, "5.5.2", "CLIENTBUG", "", "Not a valid authentication exchange")
    CANCELLED = (501, "5.0.0", "", "", "Authentication cancelled")

    def __init__(self, smtp: int, status: str, imap: str, pop3: str, text: str) -> None:
        self.smtp_code = smtp
        self.enhanced_status = status
        self.imap_code = imap
        self.pop3_code = pop3
        self.text = text

    @property
    def is_syntax(self) -> bool:
        """The client broke the exchange itself: BAD in IMAP, and no guess at a password was made."""
        return self in (Refusal.MALFORMED, Refusal.CANCELLED)


@dataclass(frozen=True, slots=True)
class LoginFailure:
    """why: for the log. What the client may be told is refusal.text."""

    refusal: Refusal
    why: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody came in. label: "" for the account's password, else the app password that was used."""

    account: Account
    mechanism: str
    label: str = ""

    def ends_by(self, revoked: Revoked) -> bool:
        """Whether whoever came in this way may stay no longer."""
        if revoked.account_id != self.account.account_id:
            return False
        if revoked.labels is None:
            return True
        return revoked.apop if self.mechanism == "APOP" else self.label in revoked.labels
