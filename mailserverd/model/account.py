"""Domains, accounts, aliases and what an address leads to."""

from dataclasses import dataclass

from mailserverd.model.identifiers import AccountId


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain that we take mail for. catch_all: an address that takes what no account or alias does.

    position: 0 is the first domain, which a login name without "@" belongs to.
    """

    name: str
    catch_all: str | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """address is lower-case, U-label, without subaddress. quota, max_message: octets, None = the server's default.

    mail_class: of what it sends ("": the server's default); mail_classes: those it may name besides.
    hold_seconds: how long what it sends can be taken back. keep_sent: a copy of what it submits goes to its Sent.
    """

    account_id: AccountId
    address: str
    display_name: str = ""
    disabled: bool = False
    quota_octets: int | None = None
    max_message_octets: int | None = None
    mail_class: str = ""
    mail_classes: tuple[str, ...] = ()
    hold_seconds: int = 0
    keep_sent: bool = False


@dataclass(frozen=True, slots=True)
class Alias:
    """address leads to each of targets: addresses of accounts, of other aliases, or at other servers."""

    address: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Credential:
    """One secret of an account: the main password (label "") or an app password.

    argon2: the encoded argon2id hash. stored_key, server_key: SCRAM-SHA-256 (RFC 7677), made with the
    account's one salt and iteration count (see Credentials). Times are seconds since the epoch.
    """

    label: str
    argon2: str
    stored_key: bytes
    server_key: bytes
    created_at: int
    last_used_at: int | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """All secrets of an account. generation rises with every change: what was remembered of an older one is void.

    apop_secret: what APOP (RFC 1939 §7) is computed from, readable as it must be; empty: the account has no APOP.
    """

    account_id: AccountId
    generation: int
    scram_salt: bytes
    scram_iterations: int
    secrets: tuple[Credential, ...]
    apop_secret: str = ""


@dataclass(frozen=True, slots=True)
class Revoked:
    """A right to be logged in has ended. labels: of the secrets that were changed or removed ("" is the main
    password); None: the account is disabled or gone, and every login with it. apop: the APOP secret was changed."""

    account_id: AccountId
    labels: frozenset[str] | None
    apop: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """One account that an address leads to. detail: the subaddress ("tag" of user+tag@), or ""."""

    account: Account
    detail: str = ""
