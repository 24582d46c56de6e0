"""Everything that the sessions of one listener work with, built by assembly.

Standing rule: shared by all sessions, so nothing here knows one.
"""

from dataclasses import dataclass

from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IReactorTime

from mailserverd.accounts.authenticator import Authenticator
from mailserverd.connection.unsent import Unsent
from mailserverd.delivery.inbound import Inbound
from mailserverd.delivery.queue_id import QueueIds
from mailserverd.delivery.route import Router
from mailserverd.delivery.spool import Spool
from mailserverd.delivery.trace_headers import DateLine
from mailserverd.smtp.message_rate import MessageRate
from mailserverd.telemetry.connections import Connections
from mailserverd.telemetry.log import SessionIds
from mailserverd.telemetry.metrics import Metrics
from mailserverd.telemetry.trace import Trace


@dataclass(frozen=True, slots=True)
class Services:
    """tls: None where there is no certificate, and then STARTTLS is not offered. clock: the reactor."""

    router: Router
    inbound: Inbound
    spool: Spool
    queue_ids: QueueIds
    dates: DateLine
    authenticator: Authenticator
    connections: Connections
    unsent: Unsent
    session_ids: SessionIds
    message_rate: MessageRate
    metrics: Metrics
    trace: Trace
    clock: IReactorTime
    tls: IOpenSSLServerConnectionCreator | None
