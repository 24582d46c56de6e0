"""`domain add/list/show/set/remove`. Standing rules: see administration."""

from dataclasses import replace

from mailserverd.accounts.administration import Administration, Answer, VerbRefused, checked_domain
from mailserverd.model.account import Domain
from mailserverd.model.address import canonical_address, canonical_domain
from mailserverd.model.errors import AlreadyExists, NotFound


class DomainVerbs:
    def __init__(self, administration: Administration) -> None:
        self._directory = administration.directory

    async def add(self, name: str, catch_all: str | None = None) -> Answer:
        domain = checked_domain(name)
        domains = await self._directory.domains()
        if domain in [each.name for each in domains]:
            raise AlreadyExists(f"domain {domain} is there already")
        position = max((each.position for each in domains), default=-1) + 1
        made = Domain(domain, canonical_address(catch_all) if catch_all else None, position)
        await self._directory.put_domain(made)
        return shown(made)

    async def list(self) -> list[Answer]:
        return [shown(domain) for domain in await self._directory.domains()]

    async def show(self, name: str) -> Answer:
        return shown(await self._named(name))

    async def set(self, name: str, catch_all: str | None = None, first: bool = False) -> Answer:
        """catch_all: "" takes it away. first: login names without "@" mean this domain from now on."""
        domain = await self._named(name)
        if catch_all is None and not first:
            raise VerbRefused("nothing to set; give --catch-all or --first")
        if catch_all is not None:
            domain = replace(domain, catch_all=canonical_address(catch_all) if catch_all else None)
        if first:
            lowest = min(each.position for each in await self._directory.domains())
            domain = replace(domain, position=lowest if domain.position == lowest else lowest - 1)
        await self._directory.put_domain(domain)
        return shown(domain)

    async def remove(self, name: str) -> Answer:
        domain = await self._named(name)
        await self._directory.remove_domain(domain.name)
        return {"removed": domain.name}

    async def _named(self, name: str) -> Domain:
        canonical = canonical_domain(name.strip())
        for domain in await self._directory.domains():
            if domain.name == canonical:
                return domain
        raise NotFound(f"no domain {canonical} here")


def shown(domain: Domain) -> Answer:
    return {"name": domain.name, "catch_all": domain.catch_all, "position": domain.position}
