"""`account add/list/show/set/remove`. Standing rules: see administration."""

from dataclasses import replace

from mailserverd.accounts.administration import (
    Administration,
    Answer,
    checked_address,
    checked_class,
    checked_hold,
    checked_name,
    checked_octets,
)
from mailserverd.accounts.alias_verbs import PAGE, refuse_if_led_to
from mailserverd.accounts.secret_verbs import first_credentials
from mailserverd.model.account import Account
from mailserverd.model.address import canonical_domain
from mailserverd.model.errors import AlreadyExists, NotFound
from mailserverd.model.identifiers import AccountId

_NO_ID = AccountId(0)


class AccountVerbs:
    def __init__(self, administration: Administration) -> None:
        self._all = administration

    async def add(
        self,
        address: str,
        password: str | None = None,
        name: str = "",
        quota_bytes: int | None = None,
        max_message_bytes: int | None = None,
        disabled: bool = False,
    ) -> Answer:
        """Without a password nobody can log in until `account password`; mail is taken at once."""
        account = Account(
            _NO_ID,
            checked_address(address),
            checked_name(name),
            disabled,
            checked_octets("quota", quota_bytes),
            checked_octets("message size", max_message_bytes),
        )
        await self._refuse_if_taken(account.address)
        credentials = await first_credentials(self._all, password) if password is not None else None
        made = await self._all.directory.add_account(account, credentials)
        await self._all.mailboxes.furnish(made.account_id)
        return shown(made)

    async def _refuse_if_taken(self, address: str) -> None:
        """Told before the password is hashed; add_account has the last word."""
        try:
            await self._all.directory.account(address)
        except NotFound:
            return
        raise AlreadyExists(f"account {address} is there already")

    async def list(self, domain: str | None = None) -> list[Answer]:
        name = canonical_domain(domain) if domain else None
        found: list[Answer] = []
        after = ""
        while page := await self._all.directory.accounts(name, after, PAGE):
            found += map(shown, page)
            after = page[-1].address
        return found

    async def show(self, address: str) -> Answer:
        account = await self._all.account(address)
        state = await self._all.mailboxes.state(account.account_id)
        credentials = await self._all.directory.credentials(account.account_id)
        secrets = credentials.secrets if credentials else ()
        return {
            **shown(account),
            "messages": state.messages,
            "octets": state.octets,
            "has_password": any(secret.label == "" for secret in secrets),
            "app_passwords": [secret.label for secret in secrets if secret.label],
        }

    async def set(
        self,
        address: str,
        name: str | None = None,
        quota_bytes: int | None = None,
        max_message_bytes: int | None = None,
        disabled: bool | None = None,
        clear: tuple[str, ...] = (),
        mail_class: str | None = None,
        mail_classes: tuple[str, ...] | None = None,
        hold_seconds: int | None = None,
        keep_sent: bool | None = None,
    ) -> Answer:
        """clear: "quota" and "max_message" go back to the server's default. The rest: see model.account.Account."""
        account = await self._all.account(address)
        changed = replace(
            account,
            display_name=account.display_name if name is None else checked_name(name),
            disabled=account.disabled if disabled is None else disabled,
            quota_octets=_chosen("quota", quota_bytes, account.quota_octets, clear),
            max_message_octets=_chosen("max_message", max_message_bytes, account.max_message_octets, clear),
            mail_class=account.mail_class if mail_class is None else checked_class(mail_class),
            mail_classes=account.mail_classes if mail_classes is None else tuple(map(checked_class, mail_classes)),
            hold_seconds=account.hold_seconds if hold_seconds is None else checked_hold(hold_seconds),
            keep_sent=account.keep_sent if keep_sent is None else keep_sent,
        )
        await self._all.directory.put_account(changed)
        return shown(changed)

    async def remove(self, address: str) -> Answer:
        """Disabled first, so that nothing comes in behind the deletion; the entry goes last, so that an interrupted
        removal can be asked for again."""
        account = await self._all.account(address)
        await refuse_if_led_to(self._all.directory, account.address)
        await self._all.directory.put_account(replace(account, disabled=True))
        await self._all.mailboxes.remove(account.account_id)
        await self._all.directory.remove_account(account.account_id)
        return {"removed": account.address}


def _chosen(what: str, wanted: int | None, before: int | None, clear: tuple[str, ...]) -> int | None:
    if what in clear:
        return None
    return before if wanted is None else checked_octets(what, wanted)


def shown(account: Account) -> Answer:
    return {
        "address": account.address,
        "id": account.account_id,
        "name": account.display_name,
        "disabled": account.disabled,
        "quota_bytes": account.quota_octets,
        "max_message_bytes": account.max_message_octets,
        "mail_class": account.mail_class,
        "mail_classes": list(account.mail_classes),
        "hold_seconds": account.hold_seconds,
        "keep_sent": account.keep_sent,
    }
