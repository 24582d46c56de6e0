"""Connections are counted, and refused above each limit."""

from pathlib import Path

import pytest
from twisted.internet.task import Clock

from mailserverd.config.load import parse
from mailserverd.config.schema import Config
from mailserverd.telemetry.connections import ADDRESS_FULL, FULL, SERVER_FULL, TOO_FAST, Connections
from mailserverd.telemetry.metrics import Metrics


def config(text: str) -> Config:
    return parse('[server]\nhostname = "a.example"\ndata_directory = "d"\n' + text, Path("/x"))


def connections(text: str, clock: Clock | None = None) -> Connections:
    return Connections(config(text), Metrics(), (clock or Clock()).seconds)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[limits]\nmax_connections = 2\n", SERVER_FULL),
        ("[imap]\nmax_connections = 2\n", FULL),
        ("[limits]\nmax_connections_per_address = 2\n", ADDRESS_FULL),
        ("[imap]\nmax_connections_per_address = 2\n", ADDRESS_FULL),
        ("[limits]\nmax_connections_per_minute = 2\n", TOO_FAST),
    ],
)
def test_each_limit(text: str, reason: str) -> None:
    counted = connections(text)
    assert [counted.admit("imap", "192.0.2.1") for _ in range(3)] == [None, None, reason]
    assert counted.total == 2


def test_whoever_leaves_makes_room() -> None:
    counted = connections("[imap]\nmax_connections = 1\n")
    assert counted.admit("imap", "192.0.2.1") is None
    counted.leave("imap", "192.0.2.1")
    assert counted.admit("imap", "192.0.2.2") is None
    assert counted.total == 1


def test_limits_of_an_address_are_its_own() -> None:
    counted = connections("[imap]\nmax_connections_per_address = 1\n")
    assert counted.admit("imap", "192.0.2.1") is None
    assert counted.admit("imap", "192.0.2.2") is None
    assert counted.admit("pop3", "192.0.2.1") is None
    assert counted.admit("imap", "192.0.2.1") == ADDRESS_FULL


def test_exempt_networks_are_free_of_all_limits() -> None:
    counted = connections('[limits]\nexempt_networks = ["127.0.0.0/8"]\nmax_connections = 1\n')
    assert [counted.admit("imap", "127.0.0.1") for _ in range(3)] == [None] * 3
    assert counted.admit("imap", "192.0.2.1") == SERVER_FULL


def test_a_minute_later_the_rate_is_fresh() -> None:
    clock = Clock()
    counted = connections("[limits]\nmax_connections_per_minute = 1\n", clock)
    assert counted.admit("imap", "192.0.2.1") is None
    assert counted.admit("imap", "192.0.2.1") == TOO_FAST
    clock.advance(60)
    assert counted.admit("imap", "192.0.2.1") is None


def test_nothing_is_kept_of_those_who_left() -> None:
    counted = connections("[limits]\nmax_connections_per_minute = 0\n")
    for number in range(100):
        assert counted.admit("imap", f"192.0.2.{number}") is None
        counted.leave("imap", f"192.0.2.{number}")
    assert counted.total == 0
    assert not counted._by_address
    assert not counted._by_both


def test_new_limits_hold_after_a_reload() -> None:
    counted = connections("")
    assert counted.admit("imap", "192.0.2.1") is None
    counted.reload(config("[imap]\nmax_connections = 1\n"))
    assert counted.admit("imap", "192.0.2.1") == FULL


def test_the_metrics_show_them() -> None:
    metrics = Metrics()
    counted = Connections(config("[imap]\nmax_connections = 1\n"), metrics, Clock().seconds)
    counted.admit("imap", "192.0.2.1")
    counted.admit("imap", "192.0.2.1")
    assert metrics.connections_accepted["imap",].value == 1
    assert metrics.connections_refused["imap", "listener"].value == 1
    assert metrics.connections_open["imap",].value == 1
    counted.leave("imap", "192.0.2.1")
    assert metrics.connections_open["imap",].value == 0


def test_more_than_the_system_has_descriptors_for_nobody_gets() -> None:
    counted = Connections(config('[limits]\nexempt_networks = ["10.0.0.0/8"]\n'), Metrics(), Clock().seconds, 2)
    assert [counted.admit("imap", "10.0.0.1") for _ in range(3)] == [None, None, "too many connections to this server"]
    counted.leave("imap", "10.0.0.1")
    assert counted.admit("imap", "10.0.0.1") is None


def test_addresses_of_one_ipv6_network_count_together() -> None:
    counted = connections("[limits]\nmax_connections_per_address = 2\n")
    addresses = [f"2001:db8::{n}" for n in range(3)]
    assert [counted.admit("imap", each) for each in addresses] == [None, None, ADDRESS_FULL]
    assert counted.admit("imap", "2001:db8:0:1::1") is None
    counted.leave("imap", addresses[0])
    assert counted.admit("imap", addresses[2]) is None
