"""The sending side as one part of the server: made of its parts here, started and stopped by assembly.

Standing rule: everything that decides is given; this only puts it together.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from twisted.internet.interfaces import IReactorTime

from mailserverd.config.outbound import Outbound
from mailserverd.interfaces.mail_transport import MailTransport
from mailserverd.interfaces.queue_store import QueueStore
from mailserverd.queue.backoff import Rests
from mailserverd.queue.bounce import Bounces
from mailserverd.queue.connections import Connections
from mailserverd.queue.house import House
from mailserverd.queue.parts import (
    AnySource,
    AsAccepted,
    ConfiguredLimits,
    Limits,
    NobodyTold,
    NothingScreened,
    Notices,
    Preparation,
    Routing,
    Screening,
    Sources,
    Told,
)
from mailserverd.queue.resolution import Resolution
from mailserverd.queue.scheduler import Scheduler


@dataclass(frozen=True, slots=True)
class Machinery:
    """seconds: the wall clock; clock: for waits; random: from 0 to 1. limits None: those of the configuration."""

    store: QueueStore
    transport: MailTransport
    routing: Routing
    notices: Notices
    hostname: Callable[[], str]
    settings: Callable[[], Outbound]
    clock: IReactorTime
    seconds: Callable[[], float]
    random: Callable[[], float]
    limits: Limits | None = None
    sources: Sources = field(default_factory=AnySource)
    screening: Screening = field(default_factory=NothingScreened)
    preparation: Preparation = field(default_factory=AsAccepted)
    told: Told = field(default_factory=NobodyTold)


def scheduler(given: Machinery) -> Scheduler:
    """`start`, `stop`, `wake` and `flush` it."""
    settings = given.settings
    limits = given.limits if given.limits is not None else ConfiguredLimits(settings)
    connections = Connections(given.transport, limits, given.routing, given.told, settings, given.clock, given.seconds)
    resolution = Resolution(
        given.store,
        Bounces(given.hostname, given.notices),
        given.told,
        settings,
        given.clock,
        given.seconds,
        given.random,
    )
    house = House(
        given.store,
        given.routing,
        limits,
        given.sources,
        given.screening,
        given.preparation,
        connections,
        resolution,
        settings,
        given.clock,
        given.seconds,
        Rests(),
    )
    return Scheduler(house, lambda: settings().max_connections)
