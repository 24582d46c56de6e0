"""From a received message to the mailboxes: the one ingest that all doors share, and what is tried again.

Standing rule: built once; every door is given the same objects.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import time
from typing import Any, Protocol, TypeVar

from mailserverd.assembly.embedded import Backends
from mailserverd.assembly.in_thread import in_thread
from mailserverd.assembly.reloading import Reloading
from mailserverd.delivery.bounce import Bounces
from mailserverd.delivery.forwarding import Forwarding
from mailserverd.delivery.inbound import Inbound
from mailserverd.delivery.inbound import Sending as SendingAtTheEnd
from mailserverd.delivery.local_transport import LocalTransport
from mailserverd.delivery.notices import MailNotices
from mailserverd.delivery.pending import Pending
from mailserverd.delivery.queue_id import QueueIds
from mailserverd.delivery.receipts import Receipts
from mailserverd.delivery.reports import Reports
from mailserverd.delivery.route import Router
from mailserverd.delivery.route import Sending as SendingAtRcpt
from mailserverd.delivery.spool import Spool
from mailserverd.delivery.trace_headers import DateLine
from mailserverd.interfaces.mail_store import MailStore
from mailserverd.mailstore.append import Ingest
from mailserverd.mailstore.quota import check_room
from mailserverd.model.errors import OverQuota
from mailserverd.model.identifiers import AccountId
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace
from mailserverd.wire.mime.record import new_message

T = TypeVar("T")


class StoredRoom:
    """How much more an account's mail may take, for the Router."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def has_room(self, account_id: AccountId, octets: int) -> bool:
        try:
            await check_room(await self._store.open(account_id), octets)
        except OverQuota:
            return False
        return True


class Sending(SendingAtRcpt, SendingAtTheEnd, Protocol):
    """Mail to other servers: queue/submit."""


@dataclass(frozen=True, slots=True)
class MailFlow:
    ingest: Ingest
    router: Router
    inbound: Inbound
    pending: Pending
    spool: Spool
    queue_ids: QueueIds
    dates: DateLine
    notices: MailNotices


def mail_flow(
    backends: Backends,
    sending: Sending,
    reports: Reports,
    forwarding: Forwarding,
    reloading: Reloading,
    metrics: Metrics,
    trace: Trace,
    reactor: Any,
) -> MailFlow:
    """Everything between a protocol's last octet and the commit."""
    config = reloading.config
    hostname = config.server.hostname
    elsewhere = in_thread(reactor)
    scan = partial(new_message, blob_threshold=config.store.blob_part_bytes)
    ingest = Ingest(backends.mail, backends.blobs, elsewhere, scan)
    router = Router(
        backends.directory,
        StoredRoom(backends.mail),
        sending,
        reports,
        hostname,
        lambda: reloading.config.server.postmaster,
        forwarding,
    )
    queue_ids, dates = QueueIds(time, os.urandom), DateLine(time)
    notices = MailNotices(LocalTransport(ingest, router, queue_ids, time), router, sending, time)
    bounces = Bounces(hostname, notices, trace)
    pending = Pending(
        backends.pending,
        ingest,
        backends.directory,
        bounces,
        lambda: reloading.config.delivery,
        reactor,
        time,
        metrics,
        trace,
    )
    inbound = Inbound(
        ingest,
        pending,
        dates,
        time,
        lambda work: elsewhere(_call, work),
        lambda: reloading.config.delivery.max_received_headers,
        sending,
        reports,
        Receipts(hostname, notices),
        forwarding,
        metrics,
        trace,
    )
    folder = config.server.data_directory / "spool"
    folder.mkdir(mode=0o700, exist_ok=True)
    spool = Spool(folder, config.limits.max_spool_memory_bytes, elsewhere)
    reloading.tell(lambda new: setattr(spool, "max_memory_bytes", new.limits.max_spool_memory_bytes))
    reloading.tell(lambda new: setattr(backends.directory, "subaddress_delimiter", new.delivery.subaddress_delimiter))
    return MailFlow(ingest, router, inbound, pending, spool, queue_ids, dates, notices)


def _call(work: Callable[[], T]) -> T:
    return work()
