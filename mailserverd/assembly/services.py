"""From a configuration to the tree of services: construct everything, then connect everything.

Standing rules: nothing starts here; the order of the parts is the order of starting, and read backwards the order
of stopping: listeners and sessions go first, the store goes last.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from time import time
from typing import Any

from twisted.internet.threads import deferToThreadPool
from twisted.protocols.tls import TLSMemoryBIOFactory

from mailserverd.assembly.admin_socket import AdminSocket
from mailserverd.assembly.administration import admin_verbs, queue_verbs
from mailserverd.assembly.embedded import Backends, open_embedded
from mailserverd.assembly.lifecycle import Parts, Step
from mailserverd.assembly.listeners import AllListeners, Listener
from mailserverd.assembly.logins import Logins
from mailserverd.assembly.mail_flow import mail_flow
from mailserverd.assembly.outbound import Departure, Sending, departure
from mailserverd.assembly.preflight import Prepared
from mailserverd.assembly.protocols import Protocols
from mailserverd.assembly.record_verbs import record_verbs
from mailserverd.assembly.reloading import Reloading
from mailserverd.assembly.reputation_verbs import reputation_verbs
from mailserverd.assembly.watch import Watch
from mailserverd.assembly.watching import LogWriter, ReactorDelay, TraceWriter, watch_store
from mailserverd.config.schema import Config
from mailserverd.delivery.forwarding import Forwarding
from mailserverd.mailstore.blob_sweep import BlobSweep
from mailserverd.telemetry.log import LineObserver
from mailserverd.web.one_click import one_click_site
from mailserverd.web.site import monitoring_site


def parts(path: Path, config: Config, prepared: Prepared, seen: Watch, observer: LineObserver, reactor: Any) -> Parts:
    """All parts of the server."""
    in_thread = lambda function, *args: deferToThreadPool(reactor, reactor.getThreadPool(), function, *args)  # noqa: E731
    reloading = Reloading(path, config, prepared.tls, reactor)
    reloading.tell(seen.connections.reload)
    reloading.tell(lambda new: seen.unsent.reload(new.limits))
    reloading.tell(lambda new: observer.set_level(new.log.level))
    reloading.tell(lambda new: observer.lines.reopen())
    writer = TraceWriter(seen.trace, config.server.data_directory / "trace", reactor, time, in_thread)
    writer.set_days(config.log.trace_days)
    reloading.tell(lambda new: writer.set_days(new.log.trace_days))
    return Parts(
        "mailserverd",
        [
            Step("the data lock", prepared.lock.sign, prepared.lock.release),
            reloading,  # as long as anything runs, SIGHUP must not end the process
            LogWriter(observer.lines, reactor),
            writer,
            ReactorDelay(reactor, seen.metrics),
            Store(config, reactor, seen, lambda backends: rooms(backends, prepared, seen, reloading, reactor)),
        ],
    )


class Store:
    """The backends, and within their lifetime everything that is made of them."""

    name = "the store"

    def __init__(
        self,
        config: Config,
        reactor: Any,
        seen: Watch,
        make: Callable[[Backends], Coroutine[Any, Any, Parts]],
    ) -> None:
        self._config, self._reactor, self._seen, self._make = config, reactor, seen, make
        self._backends: Backends | None = None
        self._rooms: Parts | None = None

    async def start(self) -> None:
        self._backends = await open_embedded(self._config, self._reactor, self._seen.metrics)
        try:
            self._rooms = await self._make(self._backends)
            await self._rooms.start()
        except Exception:
            await self._backends.close()
            raise

    async def stop(self) -> None:
        assert self._rooms is not None
        assert self._backends is not None
        await self._rooms.stop()
        await self._backends.close()


async def rooms(backends: Backends, prepared: Prepared, seen: Watch, reloading: Reloading, reactor: Any) -> Parts:
    """Everything above the store."""
    config = reloading.config
    logins = Logins(backends, config, seen.metrics, reactor, await backends.directory.server_secret("nobody"))
    reloading.tell(logins.reload)
    leaving = await departure(backends, reloading)
    reports = leaving.reputation.feedback
    directory = backends.directory
    forwarding = Forwarding(await directory.server_secret("srs"), directory.is_local, time)
    flow = mail_flow(backends, leaving.submit, reports, forwarding, reloading, seen.metrics, seen.trace, reactor)
    sending = Sending(backends, flow, leaving, reloading, seen, reactor)
    listeners = Protocols(backends, flow, logins, prepared, reloading, seen, reactor).listeners()
    watch_store(seen, backends, config.server.data_directory)
    sweep = BlobSweep(backends.blobs, backends.references().collect, reactor)
    verbs = admin_verbs(backends, lambda: reloading.config, logins.pool)
    queue_verbs(verbs, backends, sending.scheduler.wake, sending.scheduler.flush)
    reputation_verbs(verbs, backends, leaving.reputation.suspensions, leaving.reputation.suppression)
    record_verbs(verbs, backends, lambda: reloading.config, sending.signing.keys, sending.signing.elsewhere, reactor)
    return Parts(
        "the rooms",
        [
            *_monitoring(prepared, seen, reactor),
            logins,
            Step("pending deliveries", flow.pending.start, flow.pending.stop),
            Step("the blob sweep", sweep.start, sweep.stop),
            *sending.parts(),
            AdminSocket(reactor, config.server.data_directory, verbs),
            AllListeners([*listeners, *_one_click(prepared, leaving, reactor)]),
        ],
    )


def _monitoring(prepared: Prepared, seen: Watch, reactor: Any) -> list[Listener]:
    """First to start and last to stop of the rooms: /health says "starting" and "stopping" as well."""
    if "metrics" not in prepared.sockets:
        return []
    site = monitoring_site(reactor, seen.metrics, seen.health)
    return [Listener("metrics", reactor, prepared.sockets["metrics"], site, None)]


def _one_click(prepared: Prepared, leaving: Departure, reactor: Any) -> list[Listener]:
    if "unsubscribe" not in prepared.sockets:
        return []
    reputation = leaving.reputation

    async def take_out(token: str) -> bool:
        return await reputation.feedback.one_click(token, int(time()))

    site: Any = TLSMemoryBIOFactory(prepared.tls, False, one_click_site(reactor, take_out), reactor)
    return [Listener("unsubscribe", reactor, prepared.sockets["unsubscribe"], site, None)]
