"""`account password`, `account app-password add/list/remove`, `account apop-secret`.

Standing rules: see administration. All secrets of an account share one SCRAM salt, made with the first; a change
that meets another one (Conflict) is tried again on what that left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mailserverd.accounts.administration import Administration, Answer, VerbRefused
from mailserverd.accounts.passwords import SCRAM_ITERATIONS, generate_password, make_credential, new_scram_salt
from mailserverd.model.account import Account, Credential, Credentials
from mailserverd.model.errors import AlreadyExists, Conflict, NotFound
from mailserverd.model.identifiers import AccountId
from mailserverd.wire.sasl.prepare import MAX_PASSWORD_OCTETS, opaque_string

MAX_APP_PASSWORDS = 100
MAX_LABEL = 64
_ATTEMPTS = 3
_QUEUE = "admin"  # whose turn it is in the hashing pool


class SecretVerbs:
    def __init__(self, administration: Administration) -> None:
        self._all = administration

    async def password(self, address: str, password: str) -> Answer:
        """Set the account's own password. App passwords stay."""
        account = await self._all.account(address)
        await self._put_secret(account, "", prepared(password))
        return {"address": account.address}

    async def app_password_add(self, address: str, label: str) -> Answer:
        """The answer is the only place where the password is ever shown."""
        account = await self._all.account(address)
        label = label.strip()
        if not label or len(label) > MAX_LABEL or not label.isprintable():
            raise VerbRefused(f"a label has between 1 and {MAX_LABEL} printable characters")
        made = generate_password()
        await self._put_secret(account, label, made, must_be_new=True)
        return {"address": account.address, "label": label, "password": made}

    async def app_password_list(self, address: str) -> list[Answer]:
        account = await self._all.account(address)
        credentials = await self._all.directory.credentials(account.account_id)
        return [
            {"label": each.label, "created_at": each.created_at, "last_used_at": each.last_used_at}
            for each in (credentials.secrets if credentials else ())
            if each.label
        ]

    async def app_password_remove(self, address: str, label: str) -> Answer:
        account = await self._all.account(address)

        def without(before: Credentials) -> Credentials:
            kept = tuple(each for each in before.secrets if each.label != label)
            if not label or len(kept) == len(before.secrets):
                raise NotFound(f"{account.address} has no app password {label!r}")
            return replace(before, secrets=kept)

        await self._change(account, without)
        return {"address": account.address, "removed": label}

    async def apop_secret(self, address: str, secret: str | None = None) -> Answer:
        """Set what APOP is computed from; None takes it away, and APOP with it."""
        account = await self._all.account(address)
        text = "" if secret is None else prepared(secret)
        await self._change(account, lambda before: replace(before, apop_secret=text))
        return {"address": account.address, "apop": bool(text)}

    async def _put_secret(self, account: Account, label: str, text: str, must_be_new: bool = False) -> None:
        stored = await self._all.directory.credentials(account.account_id)
        salt = stored.scram_salt if stored else new_scram_salt()
        iterations = stored.scram_iterations if stored else SCRAM_ITERATIONS
        now = int(self._all.wall_seconds())
        made = await self._all.hashing.run(lambda: make_credential(text, salt, iterations, label, now), _QUEUE)

        def with_secret(before: Credentials) -> Credentials:
            others = tuple(each for each in before.secrets if each.label != label)
            if must_be_new and len(others) != len(before.secrets):
                raise AlreadyExists(f"{account.address} has an app password {label!r} already")
            if len(others) > MAX_APP_PASSWORDS:
                raise VerbRefused(f"an account has at most {MAX_APP_PASSWORDS} app passwords")
            if others and before.scram_salt != salt:
                raise Conflict("the account's passwords were changed by somebody else meanwhile")
            return replace(before, scram_salt=salt, scram_iterations=iterations, secrets=_ordered(*others, made))

        await self._change(account, with_secret)

    async def _change(self, account: Account, change: Callable[[Credentials], Credentials]) -> None:
        for attempt in range(_ATTEMPTS):
            stored = await self._all.directory.credentials(account.account_id)
            before = stored or Credentials(account.account_id, 0, new_scram_salt(), SCRAM_ITERATIONS, ())
            try:
                await self._all.directory.put_credentials(replace(change(before), generation=before.generation + 1))
                return
            except Conflict:
                if attempt == _ATTEMPTS - 1:
                    raise


async def first_credentials(administration: Administration, password: str) -> Credentials:
    """The credentials of an account that does not exist yet."""
    text, salt, now = prepared(password), new_scram_salt(), int(administration.wall_seconds())
    made: Credential = await administration.hashing.run(
        lambda: make_credential(text, salt, SCRAM_ITERATIONS, "", now), _QUEUE
    )
    return Credentials(AccountId(0), 1, salt, SCRAM_ITERATIONS, (made,))


def prepared(password: str) -> str:
    """Raises VerbRefused."""
    text = opaque_string(password)
    if text is None or not text:
        raise VerbRefused(f"a password has 1 to {MAX_PASSWORD_OCTETS} octets and no control characters")
    return text


def _ordered(*secrets: Credential) -> tuple[Credential, ...]:
    """The main password (label "") first, then by label."""
    return tuple(sorted(secrets, key=lambda secret: secret.label))
