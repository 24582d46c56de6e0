"""The protocol servers of all listeners: which factory serves which, and what a reload changes in it.

Standing rules: a factory is made only for a listener that is enabled; "…s" listeners are the same factories with TLS
from the first octet around them.
"""

from __future__ import annotations

import os
from time import time
from typing import Any

from twisted.internet.protocol import ServerFactory
from twisted.protocols.tls import TLSMemoryBIOFactory

from mailserverd.assembly.embedded import Backends
from mailserverd.assembly.in_thread import in_thread
from mailserverd.assembly.listeners import Listener, Sessions
from mailserverd.assembly.logins import Logins
from mailserverd.assembly.mail_flow import MailFlow
from mailserverd.assembly.preflight import Prepared
from mailserverd.assembly.reloading import Reloading
from mailserverd.assembly.watch import Watch
from mailserverd.imap.factory import ImapFactory
from mailserverd.imap.large_searches import LargeSearches
from mailserverd.imap.session import Services as ImapServices
from mailserverd.imap.session import Settings as ImapSettings
from mailserverd.pop3.factory import Pop3Factory
from mailserverd.pop3.services import Pop3Services
from mailserverd.smtp.factory import SmtpFactory
from mailserverd.smtp.message_rate import MessageRate
from mailserverd.smtp.services import Services as SmtpServices

TLS_FROM_THE_START = frozenset({"submissions", "imaps", "pop3s"})


class Protocols:
    """Makes the listeners of all protocols."""

    def __init__(
        self,
        backends: Backends,
        flow: MailFlow,
        logins: Logins,
        prepared: Prepared,
        reloading: Reloading,
        seen: Watch,
        reactor: Any,
    ) -> None:
        self._backends, self._flow, self._logins = backends, flow, logins
        self._prepared, self._reloading, self._seen, self._reactor = prepared, reloading, seen, reactor

    def listeners(self) -> list[Listener]:
        return [*self._smtp(), *self._imap(), *self._pop3()]

    def _smtp(self) -> list[Listener]:
        names = [name for name in ("smtp", "submission", "submissions", "lmtp") if name in self._prepared.sockets]
        services = SmtpServices(
            router=self._flow.router,
            inbound=self._flow.inbound,
            spool=self._flow.spool,
            queue_ids=self._flow.queue_ids,
            dates=self._flow.dates,
            authenticator=self._logins.authenticator,
            connections=self._seen.connections,
            unsent=self._seen.unsent,
            session_ids=self._seen.session_ids,
            message_rate=MessageRate(self._reactor.seconds),
            metrics=self._seen.metrics,
            trace=self._seen.trace,
            clock=self._reactor,
            tls=self._prepared.tls,
        )
        made = []
        for name in names:
            factory = SmtpFactory(services, self._reloading.config, name)
            self._reloading.tell(factory.reload)
            made.append(self._listener(name, factory, factory))
        return made

    def _imap(self) -> list[Listener]:
        config = self._reloading.config
        settings = ImapSettings(config.imap, config.limits)
        self._reloading.tell(lambda new: setattr(settings, "imap", new.imap))
        self._reloading.tell(lambda new: setattr(settings, "limits", new.limits))
        services = ImapServices(
            store=self._backends.mail,
            ingest=self._flow.ingest,
            authenticator=self._logins.authenticator,
            events=self._backends.events,
            metrics=self._seen.metrics,
            trace=self._seen.trace,
            settings=settings,
            spool=self._flow.spool,
            searches=LargeSearches(in_thread(self._reactor)),
            unsent=self._seen.unsent,
            wall_seconds=time,
        )
        made = []
        for name in ("imap", "imaps"):
            if name in self._prepared.sockets:
                factory = ImapFactory(
                    name,
                    config.server.hostname,
                    services,
                    self._seen.connections,
                    self._seen.session_ids,
                    self._reactor,
                    self._prepared.tls if name == "imap" else None,
                )
                made.append(self._listener(name, factory, factory))
        return made

    def _pop3(self) -> list[Listener]:
        commands = self._seen.metrics.commands
        services = Pop3Services(
            authenticator=self._logins.authenticator,
            store=self._backends.mail,
            connections=self._seen.connections,
            unsent=self._seen.unsent,
            clock=self._reactor,
            settings=lambda: self._reloading.config.pop3,
            tls=self._prepared.tls,
            hostname=self._reloading.config.server.hostname,
            new_session_id=self._seen.session_ids.next,
            stalled_seconds=lambda: self._reloading.config.limits.stalled_client_seconds,
            timestamp=lambda: f"{os.urandom(8).hex()}.{int(time())}",
            observe=lambda verb, seconds: commands["pop3", verb].observe(seconds),
        )
        made = []
        for name in ("pop3", "pop3s"):
            if name in self._prepared.sockets:
                factory = Pop3Factory(services, name, name in TLS_FROM_THE_START)
                made.append(self._listener(name, factory, factory))
        return made

    def _listener(self, name: str, factory: ServerFactory[Any], sessions: Sessions) -> Listener:
        self._backends.directory.tell_revoked(sessions.end_logins)
        served: Any = factory
        if name in TLS_FROM_THE_START:
            served = TLSMemoryBIOFactory(self._prepared.tls, False, factory, self._reactor)
        return Listener(name, self._reactor, self._prepared.sockets[name], served, sessions)
