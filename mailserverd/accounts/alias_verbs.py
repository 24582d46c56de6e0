"""`alias add/list/show/set/remove`.

Standing rules: see administration. A target is an account or alias of this server, or an address at another one, which
mail is forwarded to.
"""

from mailserverd.accounts.administration import Administration, Answer, VerbRefused, checked_address
from mailserverd.interfaces.directory import Directory
from mailserverd.model.account import Alias
from mailserverd.model.address import canonical_address, canonical_domain
from mailserverd.model.errors import AlreadyExists, LimitReached, NotFound

PAGE = 1000


class AliasVerbs:
    def __init__(self, administration: Administration) -> None:
        self._directory = administration.directory

    async def add(self, address: str, targets: tuple[str, ...]) -> Answer:
        canonical = checked_address(address)
        try:
            await self._directory.alias(canonical)
        except NotFound:
            return await self._put(canonical, targets)
        raise AlreadyExists(f"alias {canonical} is there already; change it with: alias set")

    async def set(self, address: str, targets: tuple[str, ...]) -> Answer:
        return await self._put((await self._named(address)).address, targets)

    async def list(self, domain: str | None = None) -> list[Answer]:
        name = canonical_domain(domain) if domain else None
        found: list[Answer] = []
        after = ""
        while page := await self._directory.aliases(name, after, PAGE):
            found += map(shown, page)
            after = page[-1].address
        return found

    async def show(self, address: str) -> Answer:
        return shown(await self._named(address))

    async def remove(self, address: str) -> Answer:
        alias = await self._named(address)
        await refuse_if_led_to(self._directory, alias.address)
        await self._directory.remove_alias(alias.address)
        return {"removed": alias.address}

    async def _named(self, address: str) -> Alias:
        return await self._directory.alias(canonical_address(address.strip()))

    async def _put(self, address: str, targets: tuple[str, ...]) -> Answer:
        wanted = tuple(dict.fromkeys(checked_address(target) for target in targets))
        if not wanted:
            raise VerbRefused("an alias needs at least one target")
        alias = Alias(address, wanted)
        await self._directory.put_alias(alias)
        return shown(alias)


async def refuse_if_led_to(directory: Directory, address: str) -> None:
    """An account or alias that others lead to is not removed under them. Raises LimitReached."""
    after = ""
    while page := await directory.aliases(None, after, PAGE):
        for alias in page:
            if address in alias.targets and alias.address != address:
                raise LimitReached(f"alias {alias.address} leads to {address}; change or remove it first")
        after = page[-1].address
    for domain in await directory.domains():
        if domain.catch_all == address:
            raise LimitReached(f"{address} is the catch-all of {domain.name}; change that first")


def shown(alias: Alias) -> Answer:
    return {"address": alias.address, "targets": list(alias.targets)}
