"""The verbs on keys and records (`dkim ...`, `dns ...`), in the running server or while it is down.

Standing rule: loaded only by who needs it, since it brings the resolver and the keys with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from time import time
from typing import Any, TypeVar

from twisted.internet.threads import deferToThreadPool

from mailserverd.accounts.administration import VerbRefused
from mailserverd.assembly.admin_verbs import AdminVerbs
from mailserverd.assembly.dkim_verbs import DkimVerbs, Elsewhere
from mailserverd.assembly.dns_verbs import DnsVerbs
from mailserverd.assembly.embedded import Backends
from mailserverd.assembly.signing import dkim_keys
from mailserverd.backends.dns.resolver import DnsResolver
from mailserverd.config.schema import Config
from mailserverd.model.address import canonical_domain
from mailserverd.queue.dkim_keys import DkimKeys

T = TypeVar("T")


def record_verbs(
    verbs: AdminVerbs,
    backends: Backends,
    config: Callable[[], Config],
    keys: DkimKeys,
    elsewhere: Elsewhere,
    reactor: Any,
) -> None:
    """elsewhere: off the reactor's thread."""

    def is_ours(domain: str) -> bool:
        return backends.directory.is_local(domain) or domain == canonical_domain(config().server.hostname)

    group = DkimVerbs(keys, is_ours, elsewhere, time)
    for name in ("create", "list", "rotate", "retire"):
        verbs.register(f"dkim {name}", getattr(group, name))
    threads = partial(deferToThreadPool, reactor, reactor.getThreadPool())
    about = DnsVerbs(config, keys, is_ours, lambda: DnsResolver(config().dns, reactor, threads, os.urandom), time)
    verbs.register("dns records", about.records)
    verbs.register("dns check", about.check)


def offline_record_verbs(verbs: AdminVerbs, backends: Backends, config: Config, reactor: Any) -> None:
    """While no server runs. Raises VerbRefused: a key cannot be read."""
    keys = dkim_keys(config)
    wrong = keys.load()
    if wrong:
        raise VerbRefused(wrong[0])
    record_verbs(verbs, backends, lambda: config, keys, _here, reactor)


async def _here(work: Callable[[], T]) -> T:
    return work()
