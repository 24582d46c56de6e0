"""What every EventBus does."""

from twisted.logger import globalLogPublisher

from mailserverd.interfaces.event_bus import EventBus
from mailserverd.model.changes import AccountEvent
from mailserverd.model.identifiers import AccountId

ONE, OTHER = AccountId(1), AccountId(2)


def event(account_id: AccountId, origin: object = None) -> AccountEvent:
    return AccountEvent(account_id, (), origin)


class EventBusContract:
    """The binding defines the fixture `bus`."""

    def test_every_listener_of_the_account_is_told_in_the_order_of_events(self, bus: EventBus) -> None:
        first: list[AccountEvent] = []
        second: list[AccountEvent] = []
        bus.subscribe(ONE, first.append)
        bus.subscribe(ONE, second.append)
        events = [event(ONE, n) for n in range(3)]
        for told in events:
            bus.publish(told)
        assert first == second == events

    def test_other_accounts_hear_nothing(self, bus: EventBus) -> None:
        heard: list[AccountEvent] = []
        bus.subscribe(OTHER, heard.append)
        bus.publish(event(ONE))
        assert heard == []

    def test_an_ended_subscription_hears_nothing_and_ends_only_itself(self, bus: EventBus) -> None:
        heard: list[AccountEvent] = []
        end = bus.subscribe(ONE, heard.append)
        bus.subscribe(ONE, heard.append)
        end()
        end()
        bus.publish(event(ONE))
        assert len(heard) == 1

    def test_the_last_to_leave_may_come_back(self, bus: EventBus) -> None:
        heard: list[AccountEvent] = []
        bus.subscribe(ONE, heard.append)()
        bus.subscribe(ONE, heard.append)
        bus.publish(event(ONE))
        assert len(heard) == 1

    def test_a_listener_that_raises_hurts_no_other(self, bus: EventBus) -> None:
        logged: list[object] = []
        globalLogPublisher.addObserver(logged.append)
        heard: list[AccountEvent] = []

        def broken(_: AccountEvent) -> None:
            raise RuntimeError("a listener's own fault")

        try:
            bus.subscribe(ONE, broken)
            bus.subscribe(ONE, heard.append)
            bus.publish(event(ONE))
            bus.publish(event(ONE))
        finally:
            globalLogPublisher.removeObserver(logged.append)
        assert len(heard) == 2
        assert len(logged) == 2

    def test_a_listener_may_end_itself_or_another_while_it_is_told(self, bus: EventBus) -> None:
        heard: list[str] = []

        def ends_both(_: AccountEvent) -> None:
            heard.append("first")
            end_first()
            end_second()

        end_first = bus.subscribe(ONE, ends_both)
        end_second = bus.subscribe(ONE, lambda _: heard.append("second"))
        bus.subscribe(ONE, lambda _: heard.append("third"))
        bus.publish(event(ONE))
        bus.publish(event(ONE))
        assert heard == ["first", "third", "third"]
