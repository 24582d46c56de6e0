"""What signs the mail that goes out: the keys, a small pool of threads, the seal of forwards.

Standing rules: keys are read before the first message is sent, and again at SIGHUP; what is wrong with one is logged
and keeps neither the server nor other domains from sending.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import time
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from mailserverd.assembly.reloading import Reloading
from mailserverd.assembly.sealing import Chains, Seals
from mailserverd.config.schema import Config
from mailserverd.interfaces.directory import Directory
from mailserverd.interfaces.resolver import LookupFailed, NoSuchDomain, Resolver
from mailserverd.model.address import canonical_address
from mailserverd.model.errors import NotFound
from mailserverd.model.identifiers import AccountId
from mailserverd.queue.dkim_keys import DkimKeys
from mailserverd.queue.key_rotation import NEW
from mailserverd.queue.signing import Signing
from mailserverd.queue.signing_domain import Keys

T = TypeVar("T")
THREADS = 2
LOOK_SECONDS = 600.0

log = Logger()


def dkim_keys(config: Config) -> DkimKeys:
    """Not read yet."""
    return DkimKeys(key_folder(config))


def key_folder(config: Config) -> Path:
    return config.server.data_directory / "dkim"


class SigningPart:
    """preparation: for the engine. keys: for the verbs."""

    name = "signing"

    def __init__(self, directory: Directory, reloading: Reloading, resolver: Resolver, reactor: Any) -> None:
        self.keys = dkim_keys(reloading.config)
        self._resolver = resolver
        self._reactor = reactor
        self._pool = ThreadPool(0, THREADS, "signing")
        hostname = reloading.config.server.hostname
        self.preparation = Signing(
            self.keys.signing,
            DirectorySenders(directory),
            Chains(resolver, self.elsewhere).cv,
            Seals(hostname),
            lambda: hostname,
            self.elsewhere,
            time,
        )
        self._look = LoopingCall(self._looked)
        self._look.clock = reactor
        reloading.tell(lambda new: self._load())

    def elsewhere(self, work: Callable[[], T]) -> Deferred[T]:
        """Off the reactor's thread."""
        return deferToThreadPool(self._reactor, self._pool, work)

    async def start(self) -> None:
        self._pool.start()
        await self._load()
        self._look.start(LOOK_SECONDS)

    async def stop(self) -> None:
        self._look.stop()
        self._pool.stop()

    def _load(self) -> Deferred[None]:
        def tell(wrong: list[str]) -> None:
            for line in wrong:
                log.error("a DKIM key is not used", why=line)

        loading: Deferred[list[str]] = self.elsewhere(self.keys.load)
        done: Deferred[None] = loading.addCallback(tell)
        return done.addErrback(lambda failure: log.failure("the DKIM keys cannot be read", failure))

    def _looked(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.look()).addErrback(
            lambda failure: log.failure("the records of new DKIM keys cannot be looked up", failure)
        )

    async def look(self) -> None:
        """Whether the records of new keys are in the DNS: they sign once they were there for a while."""
        for domain in self.keys.domains():
            new = [each for each in self.keys.of(domain) if each.generation.state == NEW]
            if not new:
                continue
            published = [each.generation.name for each in new if await self._published(each.keys)]
            if await self.elsewhere(partial(self.keys.looked, domain, published, int(time()))):
                log.info("new DKIM keys sign from now on", domain=domain)

    async def _published(self, keys: Keys) -> bool:
        for key in keys:
            try:
                found, _ = await self._resolver.texts(key.record_name)
            except (NoSuchDomain, LookupFailed):
                return False
            if not any(same_key(each, key.record()) for each in found):
                return False
        return True


def same_key(found: bytes, wanted: str) -> bool:
    """Whether a record holds this very key; how it is written beside that does not matter (RFC 6376 §3.6.1)."""
    return public_key_in(found.decode("utf-8", "replace")) == public_key_in(wanted)


def public_key_in(text: str) -> str:
    for tag in text.split(";"):
        name, _, value = tag.partition("=")
        if name.strip() == "p":
            return "".join(value.split())
    return ""


class DirectorySenders:
    """Whose addresses are whose."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def may_send_as(self, account_id: AccountId, address: str) -> bool:
        wanted = canonical_address(address)
        try:
            account = await self._directory.account_by_id(account_id)
            if account.address.rpartition("@")[2] == wanted.rpartition("@")[2]:
                return True
            found = await self._directory.resolve(wanted)
        except NotFound:
            return False
        return any(each.account.account_id == account_id for each in found)
