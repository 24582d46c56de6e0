"""EventBus: published after the commit; a hint, never the truth. A listener that missed one asks changes()."""

from collections.abc import Callable
from typing import Protocol

from mailserverd.model.changes import AccountEvent
from mailserverd.model.identifiers import AccountId

Listener = Callable[[AccountEvent], None]


class EventBus(Protocol):
    def publish(self, event: AccountEvent) -> None:
        """Tell every listener of the account, in the reactor thread; a listener that raises hurts no other."""
        ...

    def subscribe(self, account_id: AccountId, listener: Listener) -> Callable[[], None]:
        """Returns what ends the subscription. A listener must not block and must not publish."""
        ...
