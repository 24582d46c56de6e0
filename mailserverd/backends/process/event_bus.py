"""ProcessEventBus: the EventBus interface within one process.

Standing rules: everything happens in the reactor thread; a listener that raises is logged and hurts no other; one
that was unsubscribed while an event is being told is not told it any more.
"""

from twisted.logger import Logger

from mailserverd.interfaces.event_bus import Listener
from mailserverd.model.changes import AccountEvent
from mailserverd.model.identifiers import AccountId

_log = Logger()


class _Subscription:
    """One listener of one account; calling it ends it, once and for all."""

    __slots__ = ("account_id", "bus", "listener")

    def __init__(self, bus: "ProcessEventBus", account_id: AccountId, listener: Listener) -> None:
        self.bus = bus
        self.account_id = account_id
        self.listener = listener

    def __call__(self) -> None:
        self.bus._end(self)


class ProcessEventBus:
    def __init__(self) -> None:
        self._subscriptions: dict[AccountId, dict[_Subscription, None]] = {}

    def publish(self, event: AccountEvent) -> None:
        subscriptions = self._subscriptions.get(event.account_id)
        if not subscriptions:
            return
        for subscription in tuple(subscriptions):
            if subscription in subscriptions:
                try:
                    subscription.listener(event)
                except Exception:
                    _log.failure("a listener of account {account_id} failed", account_id=event.account_id)

    def subscribe(self, account_id: AccountId, listener: Listener) -> _Subscription:
        subscription = _Subscription(self, account_id, listener)
        self._subscriptions.setdefault(account_id, {})[subscription] = None
        return subscription

    def _end(self, subscription: _Subscription) -> None:
        subscriptions = self._subscriptions.get(subscription.account_id)
        if subscriptions is not None and subscriptions.pop(subscription, subscription) is None and not subscriptions:
            del self._subscriptions[subscription.account_id]
