"""Ticket: one plan on its way through the writer, and what became of it."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from mailserverd.backends.lmdb.step import Step

Plan = Callable[[Step], Any]


class NotEarly(Exception):
    """Raised by a plan that was run early and must wait for its commit after all."""


class Ticket:
    """octets: what the batch bound counts. order: tickets with the same one keep their order (None: any order).

    apply: called with the result in the reactor thread before the waiter hears of it. early: may be answered before
    the commit; then journal(result) is what must be written down first. large: see gathering.py.
    """

    __slots__ = (
        "answered",
        "apply",
        "early",
        "error",
        "journal",
        "large",
        "octets",
        "order",
        "plan",
        "result",
        "waiter",
    )

    def __init__(
        self,
        plan: Plan,
        octets: int,
        order: int | None,
        early: bool,
        apply: Callable[[Any], None] | None,
        journal: Callable[[Any], bytes] | None,
        large: bool = False,
    ) -> None:
        self.answered = False
        self.plan = plan
        self.octets = octets
        self.order = order
        self.early = early
        self.apply = apply
        self.journal = journal
        self.large = large
        self.result: Any = None
        self.error: BaseException | None = None
        self.waiter: Deferred[Any] = Deferred()
