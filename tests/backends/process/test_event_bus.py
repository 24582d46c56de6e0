import pytest

from mailserverd.backends.process.event_bus import ProcessEventBus
from tests.contracts.event_bus import ONE, EventBusContract, event


class TestProcessEventBus(EventBusContract):
    @pytest.fixture
    def bus(self) -> ProcessEventBus:
        return ProcessEventBus()

    def test_an_account_without_listeners_costs_no_memory(self, bus: ProcessEventBus) -> None:
        bus.subscribe(ONE, lambda _: None)()
        bus.publish(event(ONE))
        assert bus._subscriptions == {}
