"""The sections of sending: [dns], [outbound] and what lies below it. The standing rules are those of schema.py."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from mailserverd.config.section import RELOAD, Count, Positive, Section
from mailserverd.config.values import FilePath, Networks, Seconds

Percent = Annotated[float, Field(ge=0, le=100, strict=False)]
OptionalPath = Annotated[FilePath | None, BeforeValidator(lambda value: None if value == "" else value)]
Listed = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
Texts = Annotated[tuple[str, ...], Listed]


def _schedule(value: tuple[int, ...]) -> tuple[int, ...]:
    if not value or min(value) < 1:
        raise ValueError("write a list of at least one number of seconds, such as [300, 600, 1200, 3600]")
    return value


class Dns(Section):
    """Whom this server asks for names."""

    nameservers: Annotated[Texts, RELOAD] = ()
    """The nameservers for every lookup, each "IP" or "IP:PORT", in this order; empty: the system's."""
    trust_ad: Annotated[Networks, RELOAD] = Networks()
    """Networks of nameservers whose word is believed that an answer was validated (DANE); loopback always is."""
    timeout_seconds: Annotated[Positive, RELOAD] = 5
    """How long one nameserver is waited for; a whole lookup may take four times as long."""
    cache_entries: Annotated[Positive, RELOAD] = 20000
    """How many answers are remembered for their time to live."""

    @field_validator("nameservers")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            nameserver(each)
        return value


def nameserver(text: str) -> tuple[str, int]:
    """The address and port of "127.0.0.1", "127.0.0.1:5300", "::1" or "[::1]:5300". Raises ValueError."""
    host, port = text, "53"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or "53"
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        ip_address(host)
        number = int(port)
        if not 1 <= number <= 65535:
            raise ValueError
    except ValueError:
        raise ValueError(f'"{text}" is no nameserver; write "IP" or "IP:PORT", such as "127.0.0.1:5300"') from None
    return host, number


class Timeouts(Section):
    """How long each step of a session with another server may take (RFC 5321 §4.5.3.2)."""

    connect_seconds: Annotated[Positive, RELOAD] = 30
    """For the connection to be made."""
    greeting_seconds: Annotated[Positive, RELOAD] = 300
    """For the greeting, and for the TLS handshake."""
    ehlo_seconds: Annotated[Positive, RELOAD] = 300
    """For the answer to EHLO, HELO, LHLO and STARTTLS, and for each step of a login."""
    mail_seconds: Annotated[Positive, RELOAD] = 300
    """For the answer to MAIL."""
    rcpt_seconds: Annotated[Positive, RELOAD] = 300
    """For the answer to each RCPT."""
    data_seconds: Annotated[Positive, RELOAD] = 120
    """For the answer to DATA."""
    block_seconds: Annotated[Positive, RELOAD] = 180
    """For each block of the message to be taken."""
    dot_seconds: Annotated[Positive, RELOAD] = 600
    """For the answer to the end of the message."""


class Route(Section):
    """Where mail for one domain goes, or by which TLS."""

    domain: str
    """The domain; ".example" stands for all domains below example, and "*" for every one that has no other route."""
    target: str = ""
    """"smtp://HOST:PORT", "smtps://HOST:PORT" or "lmtp://HOST:PORT"; empty: what the DNS says."""
    credentials_file: OptionalPath = None
    """A file of two lines, user name and password, for a smarthost; they are sent over TLS only."""
    tls: Literal["", "none", "may", "encrypt", "verify"] = ""
    """What TLS must be: none, where offered, always, or always with a valid certificate; empty: as elsewhere."""
    minimum_tls: Literal["1.2", "1.3"] = "1.2"
    """The oldest version of TLS that will do."""

    @field_validator("target")
    @classmethod
    def _target(cls, value: str) -> str:
        if value:
            parsed = urlsplit(value)
            if parsed.scheme not in {"smtp", "smtps", "lmtp"} or not parsed.hostname or parsed.path not in {"", "/"}:
                raise ValueError('write for example "smtp://relay.example:587" or "lmtp://127.0.0.1:24"')
            _ = parsed.port
        return value


class Pool(Section):
    """Addresses that mail is sent from."""

    addresses: Texts
    """The local addresses, each an IP."""
    helo: str = ""
    """The name to greet with from these addresses; empty: the server's hostname."""
    warm_up_per_day: Annotated[tuple[int, ...], Listed] = ()
    """How many recipients a new address may have on its first, second ... day; after the last, any number."""
    warm_up_addresses: Texts = ()
    """Which of the addresses are new: their days begin with their first use."""
    overflow: Literal["warm", "wait"] = "warm"
    """What comes above a new address's day goes out by a warm one, or waits for the next day."""

    @field_validator("addresses", "warm_up_addresses")
    @classmethod
    def _ips(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                ip_address(each)
            except ValueError:
                raise ValueError(f'"{each}" is no address; write IPs, such as "192.0.2.25"') from None
        return value

    @model_validator(mode="after")
    def _known(self) -> Pool:
        if not self.addresses:
            raise ValueError('write at least one address, such as addresses = ["192.0.2.25"]')
        strange = [each for each in self.warm_up_addresses if each not in self.addresses]
        if strange:
            raise ValueError(f'warm_up_addresses: "{strange[0]}" is not in addresses; add it there')
        return self


class MailClass(Section):
    """A kind of mail and how it is sent. A message names its class in X-Mail-Class, or has its account's."""

    pool: str = ""
    """The pool of addresses it is sent from; empty: any address."""
    retry_seconds: Seconds = ()
    """Waits between attempts; empty: outbound.retry_seconds."""
    max_age_seconds: Count = 0
    """When it is given up; 0: outbound.max_age_seconds."""
    priority: Annotated[int, Field(ge=-9, le=9)] = 0
    """Higher goes first where mail waits for one place."""
    verp: bool = False
    """Whether each recipient has a return path of its own, so that its bounces are matched."""
    unsubscribe: bool = False
    """Whether messages get List-Unsubscribe with one click (RFC 8058)."""


class Webhook(Section):
    """A URL that is told of deliveries."""

    url: str
    """Where the JSON is posted: https, or http on loopback."""
    secret_file: FilePath
    """A file whose first line is the key of the signature (HMAC-SHA-256) over each post."""
    events: Texts = ("delivered", "deferred", "bounced", "complained")
    """What is told."""


class Outbound(Section):
    """Mail to other servers: where it goes, how often it is tried, and how much of it there may be."""

    remote_port: Annotated[int, Field(ge=1, le=65535)] = 25
    """The port of other servers; tests set another."""
    sts_port: Annotated[int, Field(ge=1, le=65535)] = 443
    """The port of the policy hosts of MTA-STS; tests set another."""
    ca_file: OptionalPath = None
    """A PEM file of authorities that are trusted besides the system's; empty: none."""
    retry_seconds: Annotated[Seconds, RELOAD] = (300, 600, 1200, 3600)
    """Waits between attempts, the last one repeating; some jitter is added."""
    max_age_seconds: Annotated[Positive, RELOAD] = 432000
    """A message that could not be delivered for this long goes back to its sender."""
    delay_warning_seconds: Annotated[Count, RELOAD] = 14400
    """After this time the sender is told once that a message waits; 0: never."""
    account_messages_per_hour: Annotated[Count, RELOAD] = 1000
    """How many messages to other servers an account may submit in an hour; 0: no limit."""
    account_new_recipients_per_day: Annotated[Count, RELOAD] = 200
    """How many recipients elsewhere, whom the account never wrote to before, it may have in a day; 0: no limit."""
    domain_messages_per_hour: Annotated[Count, RELOAD] = 0
    """How many messages to other servers the accounts of one domain may submit in an hour; 0: no limit."""
    max_connections: Annotated[Positive, RELOAD] = 500
    """How many connections to other servers there may be at once."""
    max_connections_per_provider: Annotated[Positive, RELOAD] = 10
    """How many of them to one receiving provider, where experience allows it."""
    max_recipients_per_message: Annotated[Positive, RELOAD] = 100
    """How many recipients of a message go over in one transaction."""
    idle_connection_seconds: Annotated[Count, RELOAD] = 2
    """How long a connection is kept for the next message."""
    default_class: Annotated[str, RELOAD] = ""
    """The class of mail whose account has none; empty: these settings and no pool."""
    dane: Annotated[bool, RELOAD] = True
    """Whether TLSA records are obeyed (RFC 7672); only where nameservers validate (dns.trust_ad)."""
    mta_sts: Annotated[bool, RELOAD] = True
    """Whether policies of MTA-STS are fetched and obeyed (RFC 8461)."""
    tls_reports: Annotated[bool, RELOAD] = True
    """Whether domains that ask for it get a report on TLS a day (RFC 8460)."""
    suppress_after_soft_bounces: Annotated[Positive, RELOAD] = 5
    """After this many messages to an address that expired in a row it is suppressed."""
    suppress_days: Annotated[Count, RELOAD] = 180
    """How long an address that bounced is suppressed; 0: for ever."""
    minimum_recipients: Annotated[Positive, RELOAD] = 100
    """An account is judged by its bounces and complaints from this many recipients in 24 hours on."""
    suspend_bounce_percent: Annotated[Percent, RELOAD] = 10.0
    """An account with more hard bounces than this is suspended from sending; 0: never."""
    suspend_complaint_percent: Annotated[Percent, RELOAD] = 0.3
    """An account with more complaints than this is suspended from sending; 0: never."""
    timeouts: Annotated[Timeouts, RELOAD] = Timeouts()
    routes: Annotated[tuple[Route, ...], RELOAD, Listed] = ()
    pools: Annotated[dict[str, Pool], RELOAD] = Field(default_factory=dict)
    classes: Annotated[dict[str, MailClass], RELOAD] = Field(default_factory=dict)
    webhooks: Annotated[tuple[Webhook, ...], RELOAD, Listed] = ()

    @field_validator("retry_seconds")
    @classmethod
    def _some(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return _schedule(value)

    @model_validator(mode="after")
    def _names(self) -> Outbound:
        for name, each in self.classes.items():
            if each.pool and each.pool not in self.pools:
                raise ValueError(f"classes.{name}.pool: there is no [outbound.pools.{each.pool}]; add it")
        if self.default_class and self.default_class not in self.classes:
            raise ValueError(f"default_class: there is no [outbound.classes.{self.default_class}]; add it")
        return self
