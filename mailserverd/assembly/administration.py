"""The administrator's verbs over real backends: in the running server, or while it is down.

Standing rule: both ways run the same verbs; only who hashes passwords differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import time
from typing import Any

from mailserverd.accounts.administration import Administration
from mailserverd.accounts.hashing_pool import Hashing, HashingHere
from mailserverd.assembly.account_mailboxes import StoredMailboxes
from mailserverd.assembly.admin_verbs import AdminVerbs, directory_verbs
from mailserverd.assembly.embedded import Backends
from mailserverd.assembly.offline import offline
from mailserverd.assembly.queue_verbs import QueueVerbs
from mailserverd.assembly.reputation_verbs import offline_reputation, reputation_verbs
from mailserverd.assembly.store_verbs import StoreVerbs
from mailserverd.config.schema import Config


def admin_verbs(
    backends: Backends, config: Callable[[], Config], hashing: Hashing, is_down: bool = False
) -> AdminVerbs:
    """config: as it is now. is_down: no server runs on these backends."""
    mailboxes = StoredMailboxes(backends.mail, lambda: config().mailboxes)
    verbs = directory_verbs(Administration(backends.directory, mailboxes, hashing, time))
    store = StoreVerbs(backends.check(), backends.begin_epoch if is_down else None)
    verbs.register("store check", store.check)
    verbs.register("store check-progress", store.check_progress)
    verbs.register("store restored", store.restored)
    return verbs


def queue_verbs(verbs: AdminVerbs, backends: Backends, wake: Callable[[], None], flush: Callable[[], None]) -> None:
    """Those on the outbound queue. wake, flush: of the engine, where one runs."""
    group = QueueVerbs(backends.queue, time, wake, flush)
    for name in ("list", "errors", "counts", "show", "body", "change", "flush", "edit"):
        verbs.register(f"queue {name}", getattr(group, name))


def call_offline(config: Config, verb: str, arguments: Mapping[str, Any]) -> object:
    """Do a verb while the server is down. Raises DataInUse (it is up), VerbRefused, OSError, UnusableStore."""

    async def work(backends: Backends, reactor: Any) -> object:
        verbs = admin_verbs(backends, lambda: config, HashingHere(), is_down=True)
        queue_verbs(verbs, backends, lambda: None, lambda: None)
        reputation_verbs(verbs, backends, *offline_reputation(backends, config.outbound))
        if verb.startswith(("dkim ", "dns ")):
            from mailserverd.assembly.record_verbs import offline_record_verbs  # a tenth of a second, for others

            offline_record_verbs(verbs, backends, config, reactor)
        return await verbs.call(verb, arguments)

    return offline(config, work)
