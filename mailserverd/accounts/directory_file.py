"""The whole directory as one TOML file, and back.

Standing rules: the same directory gives the same octets (domains in their order, the rest by address, no times of
use, no ids), so two exports can be compared with diff; what a file may hold is written down in the four classes
below, and anything else in it is an error that says where.
"""

import binascii
import json
import tomllib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from mailserverd.accounts.administration import (
    VerbRefused,
    checked_address,
    checked_class,
    checked_domain,
    checked_hold,
    checked_name,
    checked_octets,
)
from mailserverd.model.account import Account, Alias, Credential, Credentials, Domain
from mailserverd.model.address import canonical_address
from mailserverd.model.identifiers import AccountId

_HEADING = (
    "# The directory of mailserverd: mailserverd directory apply FILE makes the server's the same as this.\n"
    "# It holds password hashes: keep it as you keep the server's own files.\n"
)


class DomainEntry(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    catch_all: str = ""


class SecretEntry(msgspec.Struct, forbid_unknown_fields=True):
    """label "" is the account's own password. stored_key, server_key: base64."""

    argon2: str
    stored_key: str
    server_key: str
    created_at: int
    label: str = ""


class AccountEntry(msgspec.Struct, forbid_unknown_fields=True):
    """Without secrets: the account's passwords stay as they are."""

    address: str
    name: str = ""
    disabled: bool = False
    quota_bytes: int | None = None
    max_message_bytes: int | None = None
    mail_class: str = ""
    mail_classes: tuple[str, ...] = ()
    hold_seconds: int = 0
    keep_sent: bool = False
    scram_salt: str = ""
    scram_iterations: int = 0
    apop_secret: str = ""
    secret: tuple[SecretEntry, ...] = ()


class AliasEntry(msgspec.Struct, forbid_unknown_fields=True):
    address: str
    targets: tuple[str, ...]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    domain: tuple[DomainEntry, ...] = ()
    account: tuple[AccountEntry, ...] = ()
    alias: tuple[AliasEntry, ...] = ()


class Wanted(msgspec.Struct):
    """What a file asks for, checked: names canonical and used once. credentials: of those accounts that have some."""

    domains: list[Domain]
    accounts: dict[str, Account]
    credentials: dict[str, Credentials]
    aliases: dict[str, Alias]


# Writing


def written(
    domains: Iterable[Domain],
    accounts: Iterable[tuple[Account, Credentials | None]],
    aliases: Iterable[Alias],
) -> str:
    """accounts and aliases by address. Credentials None: left out."""
    parts = [_HEADING]
    for domain in domains:
        parts += _table("[[domain]]", name=domain.name, catch_all=domain.catch_all or None)
    for account, credentials in accounts:
        parts += _account_lines(account, credentials)
    for alias in aliases:
        parts += _table("[[alias]]", address=alias.address, targets=list(alias.targets))
    return "".join(parts)


def _account_lines(account: Account, credentials: Credentials | None) -> Iterator[str]:
    secrets = credentials.secrets if credentials else ()
    yield from _table(
        "[[account]]",
        address=account.address,
        name=account.display_name or None,
        disabled=account.disabled or None,
        quota_bytes=account.quota_octets,
        max_message_bytes=account.max_message_octets,
        mail_class=account.mail_class or None,
        mail_classes=account.mail_classes or None,
        hold_seconds=account.hold_seconds or None,
        keep_sent=account.keep_sent or None,
        scram_salt=_text(credentials.scram_salt) if credentials and secrets else None,
        scram_iterations=credentials.scram_iterations if credentials and secrets else None,
        apop_secret=(credentials.apop_secret or None) if credentials else None,
    )
    for secret in sorted(secrets, key=lambda each: each.label):
        yield from _table(
            "[[account.secret]]",
            label=secret.label or None,
            argon2=secret.argon2,
            stored_key=_text(secret.stored_key),
            server_key=_text(secret.server_key),
            created_at=secret.created_at,
        )


def _table(heading: str, **fields: object) -> Iterator[str]:
    yield f"\n{heading}\n"
    for key, value in fields.items():
        if value is not None:
            # JSON's strings, numbers, booleans and arrays are TOML's, but for DEL (TOML 1.0, basic strings)
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}\n".replace("\x7f", "\\u007f")


def _text(octets: bytes) -> str:
    return binascii.b2a_base64(octets, newline=False).decode("ascii")


# Reading


def parsed(text: str) -> Wanted:
    """Raises VerbRefused, saying where the file is wrong."""
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and numbers and nesting that Python does not take
        raise VerbRefused(f"the file is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise VerbRefused(f"the file does not fit: {error}") from error
    accounts = {each.address: each for each in map(_account, file.account)}
    wanted = Wanted(
        [_domain(entry, position) for position, entry in enumerate(file.domain)],
        accounts,
        {address: made for address, made in map(_credentials, file.account) if made is not None},
        {each.address: each for each in map(_alias, file.alias)},
    )
    _check_once("domain", [each.name for each in wanted.domains], len(file.domain))
    _check_once("account", accounts, len(file.account))
    _check_once("alias", wanted.aliases, len(file.alias))
    _check_homes(wanted)
    return wanted


def _domain(entry: DomainEntry, position: int) -> Domain:
    return Domain(checked_domain(entry.name), canonical_address(entry.catch_all) or None, position)


def _account(entry: AccountEntry) -> Account:
    return Account(
        AccountId(0),
        checked_address(entry.address),
        checked_name(entry.name),
        entry.disabled,
        checked_octets("quota_bytes", entry.quota_bytes),
        checked_octets("max_message_bytes", entry.max_message_bytes),
        checked_class(entry.mail_class),
        tuple(map(checked_class, entry.mail_classes)),
        checked_hold(entry.hold_seconds),
        entry.keep_sent,
    )


def _credentials(entry: AccountEntry) -> tuple[str, Credentials | None]:
    address = checked_address(entry.address)
    if not entry.secret and not entry.apop_secret:
        return address, None
    if entry.secret and (entry.scram_iterations < 1 or not entry.scram_salt):
        raise VerbRefused(f"account {address} has secrets without scram_salt and scram_iterations")
    labels = [secret.label for secret in entry.secret]
    if len(set(labels)) != len(labels):
        raise VerbRefused(f"account {address} has two secrets of the same label")
    secrets = tuple(sorted((_secret(address, each) for each in entry.secret), key=lambda each: each.label))
    salt = _octets(address, entry.scram_salt)
    return address, Credentials(AccountId(0), 0, salt, entry.scram_iterations, secrets, entry.apop_secret)


def _secret(address: str, entry: SecretEntry) -> Credential:
    if not entry.argon2.startswith("$argon2id$"):
        raise VerbRefused(f"account {address} has a secret whose argon2 is no $argon2id$ hash")
    stored_key, server_key = _octets(address, entry.stored_key), _octets(address, entry.server_key)
    if len(stored_key) != 32 or len(server_key) != 32:
        raise VerbRefused(f"account {address} has a SCRAM key that is not 32 octets long")
    return Credential(entry.label, entry.argon2, stored_key, server_key, entry.created_at)


def _octets(address: str, text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True) if text else b""
    except (binascii.Error, ValueError) as error:
        raise VerbRefused(f"account {address} has a salt or key that is not base64") from error


def _alias(entry: AliasEntry) -> Alias:
    targets = tuple(dict.fromkeys(checked_address(target) for target in entry.targets))
    if not targets:
        raise VerbRefused(f"alias {entry.address} has no target")
    return Alias(checked_address(entry.address), targets)


def _check_once(kind: str, names: Iterable[str], entries: int) -> None:
    if len(set(names)) != entries:
        raise VerbRefused(f"the file names the same {kind} twice")


def _check_homes(wanted: Wanted) -> None:
    """Everything the directory would refuse one by one, told before anything is changed."""
    domains = {domain.name for domain in wanted.domains}
    names: Sequence[str] = [*wanted.accounts, *wanted.aliases]
    for address in names:
        if address.rpartition("@")[2] not in domains:
            raise VerbRefused(f"{address} is in a domain that the file does not have")
    for address in wanted.aliases:
        if address in wanted.accounts:
            raise VerbRefused(f"{address} is both an account and an alias")
    known = set(names)
    for alias in wanted.aliases.values():
        for target in alias.targets:
            if target not in known and target.rpartition("@")[2] in domains:
                raise VerbRefused(f"alias {alias.address} leads to {target}, which the file does not have")
    for domain in wanted.domains:
        if domain.catch_all and domain.catch_all not in known:
            raise VerbRefused(f"the catch-all of {domain.name} is {domain.catch_all}, which the file does not have")
