"""MailTransport: the next hop. `queue` decides where, when and by which rules; a transport speaks the protocol.

Standing rules: nothing here raises into its caller but HopFailed from `connect`; every wait has a deadline; what a
peer sends is bounded; per-recipient truth: a recipient is Delivered only after the peer's 250 for the message.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from mailserverd.interfaces.resolver import TlsaRecord
from mailserverd.model.outcome import Outcome, Refused, TryLater


@dataclass(frozen=True, slots=True)
class TlsRule:
    """What a hop's TLS must be.

    need       "none": TLS is not tried; "may": opportunistic; "encrypt": TLS, any certificate; "verify": a certificate
               that is valid for one of `names`; "dane": one that matches `tlsa` (RFC 7672)
    policy     what asks for it, for reports and logs: "", "sts", "tlsa", "route", "requiretls", "domain"
    minimum    "1.2" or "1.3"
    """

    need: str = "may"
    names: tuple[str, ...] = ()
    tlsa: tuple[TlsaRecord, ...] = ()
    policy: str = ""
    minimum: str = "1.2"


@dataclass(frozen=True, slots=True)
class Hop:
    """One address to try.

    protocol   "smtp", "smtps" or "lmtp"
    host       its name, as in the MX record (for SNI, logs and reports); address and port: where to connect
    source     the local address to connect from, "" for any
    helo       the name for EHLO/LHLO
    credentials  user name and password for AUTH, only ever sent over TLS
    """

    protocol: str
    host: str
    address: str
    port: int
    helo: str
    source: str = ""
    tls: TlsRule = TlsRule()
    credentials: tuple[str, str] | None = None


class Recipient(NamedTuple):
    """address: the forward-path without brackets. notify, orcpt: DSN parameters in wire form (RFC 3461), or ""."""

    address: str
    notify: str = ""
    orcpt: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for one connection.

    body        "7BIT", "8BITMIME" or "BINARYMIME": what the octets are
    prepare     makes the octets to send for what the peer can ("7BIT" ...), signed in that form; it raises
                CannotDowngrade where a signature that is not ours would break (5.6.3)
    """

    sender: str
    recipients: Sequence[Recipient]
    size: int
    prepare: Callable[[str], Awaitable[bytes]]
    body: str = "8BITMIME"
    smtputf8: bool = False
    require_tls: bool = False
    ret: str = ""
    envid: str = ""
    priority: int = 0
    deliver_by: tuple[int, str] | None = None


class CannotDowngrade(Exception):
    """The message cannot be sent to this peer in a form that it takes; the text says why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who answered. where: "host[address]:port". tls: "" or "TLSv1.3 ...". extensions: upper-case EHLO keywords."""

    where: str
    tls: str = ""
    verified: bool = False
    extensions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Result:
    """What one recipient met. reply: the peer's own text, or ours where it said nothing. code: 0 without a reply.

    sent_dsn: the peer took over the duty of notifying (it offers DSN, RFC 3461 §5.2.2)
    """

    outcome: Outcome
    code: int
    reply: str
    sent_dsn: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """results: one for each recipient, in order. broken: the connection is of no more use."""

    results: list[Result] = field(default_factory=list)
    broken: bool = False


class HopFailed(Exception):
    """No session with this hop.

    stage      "connect", "greeting", "ehlo", "tls", "auth"
    outcome    TryLater: another hop or a later time may do; Refused: the peer said 5yz for good
    tls_reason for TLS reports (RFC 8460 §4.3), such as "certificate-expired" or "starttls-not-supported"; else ""
    """

    def __init__(
        self, stage: str, outcome: TryLater | Refused, code: int = 0, reply: str = "", tls_reason: str = ""
    ) -> None:
        super().__init__(outcome.why)
        self.stage = stage
        self.outcome = outcome
        self.code = code
        self.reply = reply
        self.tls_reason = tls_reason


class MailConnection(Protocol):
    """One session. One message at a time."""

    peer: Peer

    async def send(self, message: Outgoing) -> Sent:
        """Raises nothing."""
        ...

    def idle(self) -> bool:
        """Whether it can take another message now: open, in step, and not told to go."""
        ...

    async def close(self) -> None:
        """QUIT, without waiting long; raises nothing."""
        ...

    def abort(self) -> None:
        """Drop the connection at once."""
        ...


class MailTransport(Protocol):
    async def connect(self, hop: Hop) -> MailConnection:
        """A session that is past EHLO, STARTTLS and AUTH. Raises HopFailed."""
        ...
