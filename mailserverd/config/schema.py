"""Every setting of the server: frozen section types whose doc lines are the manual.

Standing rules: one class a TOML section, one field a key, one doc line a field; units stand in the name;
a default that fits a small server; a key that nobody reads is removed. `RELOAD` marks what SIGHUP changes
on a running server; everything else waits for a restart. Only `load.py` builds a `Config`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from mailserverd.config.outbound import Dns, Outbound
from mailserverd.config.section import MIB, RELOAD, Count, Positive, Section
from mailserverd.config.values import FilePath, ListenAddress, ListenAddresses, Networks, Seconds


class Server(Section):
    """Who this server is and where its files are."""

    hostname: str
    """The full name that this host shows in greetings, Received lines and message ids, such as "mail.example.org"."""
    data_directory: FilePath
    """The folder that holds mail, accounts, the admin socket, logs and traces; relative paths count from this file."""
    postmaster: Annotated[str, RELOAD] = ""
    """The address that receives mail for postmaster, which is always accepted; empty: the first account."""

    @field_validator("hostname")
    @classmethod
    def _name(cls, value: str) -> str:
        labels = value.rstrip(".").split(".")
        if not value.isascii() or not all(label and label.replace("-", "").isalnum() for label in labels):
            raise ValueError('write the full host name in ASCII, such as "mail.example.org"')
        return value.rstrip(".")

    @field_validator("postmaster")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not all(value.rpartition("@")[::2]):
            raise ValueError('write a whole address, such as "admin@example.org"')
        return value


class Listener(Section):
    """What every listener has."""

    enabled: bool = True
    """Whether this listener is started at all."""
    addresses: ListenAddresses = ()
    """The addresses to listen on, each "IP:PORT"."""
    max_connections: Annotated[Positive, RELOAD] = 10000
    """How many connections this listener serves at once; one more is told to come back later."""
    max_connections_per_address: Annotated[Positive, RELOAD] = 100
    """How many of them one client address may have; `limits.exempt_networks` are free of it."""


class SmtpSession(Listener):
    """What MX, submission and LMTP sessions have in common."""

    max_message_bytes: Annotated[Positive, RELOAD] = 50 * MIB
    """The largest message accepted, announced by SIZE; an account's own smaller limit holds too."""
    max_recipients: Annotated[Positive, RELOAD] = 1000
    """How many recipients one message may have, announced by LIMITS RCPTMAX."""
    max_bad_commands: Annotated[Positive, RELOAD] = 20
    """A client is dropped after this many bad commands in a row."""
    command_timeout_seconds: Annotated[Positive, RELOAD] = 300
    """How long the server waits for the next command."""
    data_timeout_seconds: Annotated[Positive, RELOAD] = 300
    """How long the server waits for more octets of a message."""
    max_messages_per_minute: Annotated[Count, RELOAD] = 60000
    """How many messages one client address may send in a minute; 0: any number; `limits.exempt_networks` are free."""


class Smtp(SmtpSession):
    """Mail from other servers (MX), port 25."""

    addresses: ListenAddresses = (ListenAddress("0.0.0.0", 25),)
    """The addresses to listen on, each "IP:PORT"."""
    proxy_protocol_networks: Annotated[Networks, RELOAD] = Networks()
    """Load balancers that must open each connection with a PROXY v1 or v2 header naming the real client."""
    trusted_networks: Annotated[Networks, RELOAD] = Networks()
    """Clients trusted not to be strangers: unknown recipients and bad commands are not held against them."""


class Submission(SmtpSession):
    """Mail from the server's own users with STARTTLS, port 587."""

    addresses: ListenAddresses = (ListenAddress("0.0.0.0", 587),)
    """The addresses to listen on, each "IP:PORT"."""
    proxy_protocol_networks: Annotated[Networks, RELOAD] = Networks()
    """Load balancers that must open each connection with a PROXY v1 or v2 header naming the real client."""


class Submissions(Listener):
    """Mail from the server's own users with TLS from the first octet, port 465; limits as in [submission]."""

    addresses: ListenAddresses = (ListenAddress("0.0.0.0", 465),)
    """The addresses to listen on, each "IP:PORT"."""


class Lmtp(SmtpSession):
    """Local delivery by another mail server on this host or network (LMTP), port 24."""

    addresses: ListenAddresses = (ListenAddress("127.0.0.1", 24),)
    """The addresses to listen on, each "IP:PORT"."""
    trusted_networks: Annotated[Networks, RELOAD] = Networks(["127.0.0.0/8", "::1/128"])
    """The only clients served here: they are trusted for local delivery."""


class Imap(Listener):
    """Reading mail with IMAP, port 143, STARTTLS before login."""

    addresses: ListenAddresses = (ListenAddress("0.0.0.0", 143),)
    """The addresses to listen on, each "IP:PORT"."""
    login_timeout_seconds: Annotated[Positive, RELOAD] = 180
    """How long a client may take to log in."""
    idle_timeout_seconds: Annotated[Annotated[int, Field(ge=1800)], RELOAD] = 1800
    """How long a logged-in client may be silent; RFC 9051 §5.4 asks for 1800 at least."""
    idle_keepalive_seconds: Annotated[Positive, RELOAD] = 120
    """How often a client in IDLE is sent an untagged OK, so that routers keep the connection."""
    max_line_bytes: Annotated[Annotated[int, Field(ge=8192)], RELOAD] = 65536
    """The longest command, not counting literals."""
    max_literal_bytes: Annotated[Positive, RELOAD] = 65536
    """The largest literal other than an APPEND's message."""
    max_append_bytes: Annotated[Positive, RELOAD] = 50 * MIB
    """The largest message that APPEND takes, announced by APPENDLIMIT."""
    max_search_texts: Annotated[Positive, RELOAD] = 100
    """How many BODY and TEXT keys a SEARCH may have: each is looked for in every message."""
    max_search_seconds: Annotated[Positive, RELOAD] = 15
    """How long a SEARCH may work before it ends with NO [LIMIT]; asked again, it goes on where it can."""
    max_bad_commands: Annotated[Positive, RELOAD] = 20
    """A client is dropped after this many bad commands in a row."""


class Imaps(Listener):
    """Reading mail with IMAP, TLS from the first octet, port 993; the session limits of [imap] hold."""

    addresses: ListenAddresses = (ListenAddress("0.0.0.0", 993),)
    """The addresses to listen on, each "IP:PORT"."""


class Pop3(Listener):
    """Fetching mail with POP3, port 110, STLS before login."""

    addresses: ListenAddresses = (ListenAddress("0.0.0.0", 110),)
    """The addresses to listen on, each "IP:PORT"."""
    apop: bool = False
    """Whether APOP is offered: only accounts with a secret for it (account apop-secret), kept readable, can use it."""
    idle_timeout_seconds: Annotated[Annotated[int, Field(ge=600)], RELOAD] = 600
    """How long a client may be silent; RFC 1939 §3 asks for 600 at least."""
    max_bad_commands: Annotated[Positive, RELOAD] = 20
    """A client is dropped after this many bad commands in a row."""


class Pop3s(Listener):
    """Fetching mail with POP3, TLS from the first octet, port 995; the session limits of [pop3] hold."""

    addresses: ListenAddresses = (ListenAddress("0.0.0.0", 995),)
    """The addresses to listen on, each "IP:PORT"."""


class MetricsListener(Section):
    """Prometheus /metrics and /health by HTTP, without a password: keep it on loopback."""

    enabled: bool = True
    """Whether this listener is started at all."""
    addresses: ListenAddresses = (ListenAddress("127.0.0.1", 9090),)
    """The addresses to listen on, each "IP:PORT"."""


class OneClick(Section):
    """Unsubscribing with one click by HTTPS (RFC 8058), for classes of mail that have `unsubscribe`."""

    enabled: bool = False
    """Whether this listener is started at all; without it their mail has the mailto form alone."""
    addresses: ListenAddresses = (ListenAddress("0.0.0.0", 8443),)
    """The addresses to listen on, each "IP:PORT", with the certificate of [tls]."""
    url: Annotated[str, RELOAD] = ""
    """What the links in mail begin with, where a proxy leads here; empty: "https://HOSTNAME:PORT/unsubscribe/"."""

    @field_validator("url")
    @classmethod
    def _https(cls, value: str) -> str:
        if value and not (value.startswith("https://") and value.endswith("/") and value.isascii()):
            raise ValueError(
                'write an https URL with a slash at its end, such as "https://mail.example.org/unsubscribe/"'
            )
        return value


class Tls(Section):
    """The certificate of all listeners."""

    certificate: Annotated[FilePath, RELOAD] = Field(default="tls/certificate.pem")  # type: ignore[assignment]
    """PEM file with the server's certificate followed by its chain."""
    private_key: Annotated[FilePath, RELOAD] = Field(default="tls/private_key.pem")  # type: ignore[assignment]
    """PEM file with the certificate's private key; P-256 handshakes are the cheapest."""
    minimum_version: Annotated[Literal["1.2", "1.3"], RELOAD] = "1.2"
    """The oldest TLS version accepted."""
    ciphers: Annotated[str, RELOAD] = "ECDHE+AESGCM:ECDHE+CHACHA20"
    """The TLS 1.2 cipher suites, in OpenSSL's notation; those of TLS 1.3 are all good."""


class Login(Section):
    """Passwords and failed logins."""

    insecure_login_networks: Annotated[Networks, RELOAD] = Networks()
    """Networks whose clients may log in without TLS."""
    channel_binding: Annotated[bool, RELOAD] = True
    """Whether SCRAM-SHA-256-PLUS is offered over TLS. Mutt with GNU SASL chooses it and fails over TLS 1.3."""
    throttle_base_milliseconds: Annotated[Count, RELOAD] = 50
    """The answer to the first failed login is this late; each further failure doubles it."""
    throttle_max_milliseconds: Annotated[Count, RELOAD] = 5000
    """No answer to a failed login is later than this."""
    throttle_forget_seconds: Annotated[Positive, RELOAD] = 900
    """Failures are forgotten after this long without a new one."""
    remember_seconds: Annotated[Count, RELOAD] = 300
    """How long a verified password is remembered (as a keyed hash, in memory); 0: never."""
    hash_threads: Count = 0
    """How many password hashes run at once, 19 MiB each; 0: one a processor core."""


class Limits(Section):
    """Bounds over all listeners."""

    exempt_networks: Annotated[Networks, RELOAD] = Networks()
    """Networks whose clients are free of every connection and rate limit."""
    max_connections: Annotated[Positive, RELOAD] = 15000
    """How many connections all listeners together serve at once."""
    max_connections_per_address: Annotated[Positive, RELOAD] = 200
    """How many connections one client address may have over all listeners."""
    max_connections_per_minute: Annotated[Count, RELOAD] = 6000
    """How many connections one client address may open in a minute; 0: any number."""
    max_spool_memory_bytes: Annotated[Positive, RELOAD] = 64 * MIB
    """How much memory all messages being received may take; what comes above goes through files in the spool folder."""
    max_unsent_bytes: Annotated[Positive, RELOAD] = 256 * MIB
    """How much all clients that don't read may make the server hold; who holds most for longest is dropped first."""
    stalled_client_seconds: Annotated[Positive, RELOAD] = 300
    """A client that reads nothing of its waiting output for this long is dropped."""


class Store(Section):
    """How mail is kept."""

    map_size_bytes: Annotated[int, Field(ge=64 * MIB)] = 1024 * 1024 * MIB
    """Address space reserved for the database; it costs no disk until it is used, and grows by itself when full."""
    batch_max_messages: Positive = 64
    """How many messages one commit may hold."""
    batch_max_bytes: Positive = 4 * MIB
    """How many octets of messages one commit may hold; a single larger message is committed alone."""
    early_flag_acknowledgement: bool = True
    """Whether flag changes may be acknowledged before they are on disk (EXPUNGE, MOVE and new mail always wait)."""
    early_flag_acknowledgement_milliseconds: Annotated[int, Field(ge=1, le=100)] = 100
    """How long before: the most that a power cut can take back."""
    blob_part_bytes: Annotated[int, Field(ge=4096)] = 32768
    """Parts of a message from this size on are kept once each, in the blob store; smaller ones stay in the database."""
    zstd_level: Annotated[int, Field(ge=1, le=19)] = 1
    """How hard stored mail is compressed: 1 is fast, 19 is small."""


class Mailboxes(Section):
    """The mailboxes that a new account starts with beside INBOX; an empty name leaves one out."""

    drafts: Annotated[str, RELOAD] = "Drafts"
    """Name of the mailbox for drafts (RFC 6154 \\Drafts)."""
    sent: Annotated[str, RELOAD] = "Sent"
    """Name of the mailbox for sent mail (\\Sent)."""
    junk: Annotated[str, RELOAD] = "Junk"
    """Name of the mailbox for junk (\\Junk)."""
    trash: Annotated[str, RELOAD] = "Trash"
    """Name of the mailbox for deleted mail (\\Trash)."""
    archive: Annotated[str, RELOAD] = "Archive"
    """Name of the mailbox for archived mail (\\Archive)."""


class Log(Section):
    """What is written down, and for how long."""

    file: str = ""
    """Log file, relative to the data directory; empty: standard output, or mailserverd.log as a daemon."""
    level: Annotated[Literal["debug", "info", "warn", "error"], RELOAD] = "info"
    """The least important events still logged."""
    format: Literal["text", "json"] = "text"
    """One line an event: `text` is key=value, `json` is an object."""
    rotate_bytes: Positive = 50 * MIB
    """The log file is rotated when it reaches this size; SIGHUP also reopens it for an outside rotation."""
    keep_files: Positive = 10
    """How many rotated log files are kept."""
    trace_days: Annotated[Count, RELOAD] = 14
    """How many days `mailserverd trace` can look back; 0: no traces are written."""


class Delivery(Section):
    """How accepted mail reaches its mailboxes."""

    subaddress_delimiter: Annotated[str, RELOAD] = "+"
    """What separates a user's name from a tag in user+tag@example.org; empty: no subaddresses."""
    max_received_headers: Annotated[Positive, RELOAD] = 100
    """A message with this many Received lines is in a loop and refused (RFC 5321 §6.3)."""
    retry_seconds: Annotated[Seconds, RELOAD] = (10, 60, 300, 900, 3600)
    """How long after a failed local delivery it is tried again, the last one repeating."""
    retry_max_age_seconds: Annotated[Positive, RELOAD] = 432000
    """A local delivery that failed for this long is bounced."""

    @field_validator("retry_seconds")
    @classmethod
    def _some(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or min(value) < 1:
            raise ValueError("write a list of at least one number of seconds, such as [10, 60, 300]")
        return value


class Config(Section):
    """The whole configuration."""

    server: Server
    smtp: Smtp = Smtp()
    submission: Submission = Submission()
    submissions: Submissions = Submissions()
    lmtp: Lmtp = Lmtp()
    imap: Imap = Imap()
    imaps: Imaps = Imaps()
    pop3: Pop3 = Pop3()
    pop3s: Pop3s = Pop3s()
    metrics: MetricsListener = MetricsListener()
    unsubscribe: OneClick = OneClick()
    tls: Tls
    login: Login = Login()
    limits: Limits = Limits()
    store: Store = Store()
    mailboxes: Mailboxes = Mailboxes()
    log: Log = Log()
    delivery: Delivery = Delivery()
    dns: Dns = Dns()
    outbound: Outbound = Outbound()

    LISTENERS: ClassVar[tuple[str, ...]] = (
        "smtp",
        "submission",
        "submissions",
        "lmtp",
        "imap",
        "imaps",
        "pop3",
        "pop3s",
        "metrics",
        "unsubscribe",
    )
