"""Where mail goes, by the DNS and by routes."""

from pathlib import Path

import pytest

from mailserverd.interfaces.mail_transport import TlsRule
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.queue.routing import MAX_HOPS
from tests.nameserver.zones import Zones
from tests.queue.where import HOSTNAME, World

TWO = Zones(
    "a.example MX 20 b.a.example", "a.example MX 10 a.a.example", "a.a.example A 192.0.2.1", "b.a.example A 192.0.2.2"
)


def test_the_best_exchanger_comes_first() -> None:
    found = World(TWO).hops("A.example")
    assert [(each.host, each.address, each.port) for each in found] == [
        ("a.a.example", "192.0.2.1", 25),
        ("b.a.example", "192.0.2.2", 25),
    ]
    assert {(each.protocol, each.helo, each.source, each.tls) for each in found} == {("smtp", HOSTNAME, "", TlsRule())}


def test_the_port_is_the_configured_one() -> None:
    assert {each.port for each in World(TWO, remote_port=2525).hops("a.example")} == {2525}


def test_equals_are_shuffled_but_not_with_others() -> None:
    lines = [f"a.example MX 10 m{number}.example" for number in range(4)] + ["a.example MX 20 last.example"]
    lines += [f"m{number}.example A 192.0.2.{number}" for number in range(4)] + ["last.example A 192.0.2.9"]
    world = World(Zones(*lines))
    orders = {tuple(world.addresses("a.example")) for _ in range(60)}
    assert len(orders) > 5
    assert {order[-1] for order in orders} == {"192.0.2.9"}
    assert {order[0] for order in orders} == {f"192.0.2.{number}" for number in range(4)}


def test_without_mx_the_domain_itself_takes_the_mail() -> None:
    world = World(Zones("a.example A 192.0.2.1", "a.example AAAA 2001:db8::1"))
    assert world.addresses("a.example") == ["2001:db8::1", "192.0.2.1"]


def test_the_families_take_turns() -> None:
    lines = [f"a.example AAAA 2001:db8::{n}" for n in range(1, 4)] + ["a.example A 192.0.2.1", "a.example A 192.0.2.2"]
    families = [":" in address for address in World(Zones(*lines)).addresses("a.example")]
    assert families == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("zones", "status"),
    [
        (Zones("a.example MX 0 ."), "5.1.10"),
        (Zones(), "5.1.2"),
        (Zones("a.example CNAME b.example", "b.example CNAME a.example"), "5.1.2"),
        (Zones("a.example TXT x"), "5.4.4"),
        (Zones("a.example MX 10 gone.example"), "5.4.4"),
        (Zones("a.example MX 10 gone.example", "gone.example TXT x"), "5.4.4"),
    ],
)
def test_a_definite_no(zones: Zones, status: str) -> None:
    found = World(zones).hops("a.example")
    assert isinstance(found, Refused)
    assert found.status == status


@pytest.mark.parametrize(
    "zones",
    [
        Zones(failing=["a.example"]),
        Zones(silent=["a.example"]),
        Zones("a.example MX 10 m.example", failing=["m.example"]),
        Zones("a.example MX 10 m.example", "a.example MX 20 gone.example", silent=["m.example"]),
        Zones("a.example TXT x", failing=["a.example A"]),
    ],
)
def test_no_answer_is_for_later(zones: Zones) -> None:
    found = World(zones).hops("a.example")
    assert isinstance(found, TryLater)
    assert found.status == "4.4.3"


def test_an_exchanger_without_answer_leaves_the_others() -> None:
    zones = Zones(
        "a.example MX 10 m.example", "a.example MX 20 n.example", "n.example A 192.0.2.2", failing=["m.example"]
    )
    assert World(zones).addresses("a.example") == ["192.0.2.2"]


def test_a_null_mx_beside_others_is_passed_over() -> None:
    assert World(Zones("a.example MX 0 .", "a.example MX 5 m.example", "m.example A 192.0.2.1")).addresses(
        "a.example"
    ) == ["192.0.2.1"]


def test_cnames_of_the_domain_and_of_the_exchanger_are_followed() -> None:
    zones = Zones(
        "a.example CNAME b.example", "b.example MX 10 m.example", "m.example CNAME n.example", "n.example A 192.0.2.1"
    )
    assert [(each.host, each.address) for each in World(zones).hops("a.example")] == [("m.example", "192.0.2.1")]


def test_lookups_and_hops_are_bounded() -> None:
    lines = [f"a.example MX {n} m{n}.example" for n in range(40)]
    lines += [f"m{n}.example A 192.0.{n}.{k}" for n in range(40) for k in range(1, 9)]
    world = World(Zones(*lines))
    assert len(world.hops("a.example")) == MAX_HOPS
    assert len(world.zones.asked) < 40


def test_where_not_all_exchangers_were_looked_up_nothing_is_definite() -> None:
    found = World(Zones(*(f"a.example MX {n} m{n}.example" for n in range(40)))).hops("a.example")
    assert isinstance(found, TryLater)


def test_our_name_ends_the_list() -> None:
    zones = Zones(
        "a.example MX 10 m.example",
        f"a.example MX 20 {HOSTNAME}",
        "a.example MX 30 n.example",
        *(f"{name} A 192.0.2.{n}" for n, name in enumerate(("m.example", HOSTNAME, "n.example"))),
    )
    assert World(zones).addresses("a.example") == ["192.0.2.0"]


def test_an_address_and_port_of_ours_ends_the_list() -> None:
    assert World(TWO, listening=[("192.0.2.2", 25)]).addresses("a.example") == ["192.0.2.1"]
    assert World(TWO, listening=[("192.0.2.2", 587)]).addresses("a.example") == ["192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize("listening", [("192.0.2.1", 25), ("0.0.0.0", 25)])
def test_mail_that_leads_back_to_us_is_a_loop(listening: tuple[str, int]) -> None:
    for destination in ("a.example", "[192.0.2.1]"):
        found = World(TWO, listening=[listening]).hops(destination)
        assert isinstance(found, Refused)
        assert found.status == "5.4.6"


def test_a_listener_on_all_addresses_is_ours_on_those_of_this_machine_only() -> None:
    world = World(TWO, listening=[("0.0.0.0", 25)], local=lambda address: address == "192.0.2.2")
    assert world.addresses("a.example") == ["192.0.2.1"]


@pytest.mark.parametrize(("domain", "address"), [("[192.0.2.7]", "192.0.2.7"), ("[IPv6:2001:DB8::7]", "2001:db8::7")])
def test_address_literals(domain: str, address: str) -> None:
    found = World(Zones()).hops(domain)
    assert [(each.host, each.address, each.tls.need) for each in found] == [(domain.lower(), address, "may")]


@pytest.mark.parametrize("domain", ["[x]", "[2001:db8::7]", "[IPv6:192.0.2.7]", "[192.0.2.7", "[]"])
def test_what_is_no_literal(domain: str) -> None:
    found = World(Zones()).hops(domain)
    assert isinstance(found, Refused)
    assert found.status == "5.1.2"


def test_a_domain_of_u_labels_is_asked_for_as_a_labels() -> None:
    world = World(Zones("xn--bcher-kva.example A 192.0.2.1"))
    assert world.addresses("Bücher.example") == ["192.0.2.1"]


ROUTES = [
    {"domain": "a.example", "target": "smtp://relay.example:587"},
    {"domain": ".example", "target": "lmtp://127.0.0.1:2424"},
    {"domain": ".deep.example", "target": "smtps://192.0.2.77"},
    {"domain": "bücher.test", "target": "smtp://[2001:db8::25]"},
    {"domain": "*", "target": "smtp://smart.test:25"},
]
HOSTS = ("relay.example A 192.0.2.10", "smart.test A 192.0.2.11")


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("a.example", ("smtp", "relay.example", "192.0.2.10", 587)),
        ("b.example", ("lmtp", "127.0.0.1", "127.0.0.1", 2424)),
        ("x.deep.example", ("smtps", "192.0.2.77", "192.0.2.77", 465)),
        ("deep.example", ("lmtp", "127.0.0.1", "127.0.0.1", 2424)),
        ("example", ("smtp", "smart.test", "192.0.2.11", 25)),
        ("xn--bcher-kva.test", ("smtp", "2001:db8::25", "2001:db8::25", 25)),
        ("other.org", ("smtp", "smart.test", "192.0.2.11", 25)),
        ("[192.0.2.7]", ("smtp", "smart.test", "192.0.2.11", 25)),
    ],
)
def test_routes(domain: str, expected: tuple[str, str, str, int]) -> None:
    found = World(Zones(*HOSTS), routes=ROUTES).hops(domain)
    assert [(each.protocol, each.host, each.address, each.port) for each in found] == [expected]


def test_a_route_without_a_target_goes_where_the_dns_says() -> None:
    routes = [
        {"domain": "a.example", "tls": "encrypt", "minimum_tls": "1.3"},
        {"domain": "*", "target": "smtp://x.test"},
    ]
    found = World(TWO, routes=routes).hops("a.example")
    assert [each.address for each in found] == ["192.0.2.1", "192.0.2.2"]
    assert found[0].tls == TlsRule(need="encrypt", policy="route", minimum="1.3")


def test_a_route_whose_host_is_not_found_is_for_later() -> None:
    found = World(Zones(), routes=[{"domain": "*", "target": "smtp://gone.test"}]).hops("a.example")
    assert isinstance(found, TryLater)


def test_changed_routes_hold_at_once() -> None:
    world = World(TWO)
    world.hops("a.example")
    world.settings = type(world.settings).model_validate(
        {"routes": [{"domain": "a.example", "target": "smtp://192.0.2.9"}]}
    )
    assert world.addresses("a.example") == ["192.0.2.9"]


def test_credentials_come_from_their_file_and_need_tls(tmp_path: Path) -> None:
    file = tmp_path / "login"
    file.write_text("user\nsecret word\n")
    routes = [{"domain": "*", "target": "smtp://192.0.2.9:587", "credentials_file": str(file)}]
    world = World(Zones(), routes=routes)
    (hop,) = world.hops("a.example")
    assert hop.credentials == ("user", "secret word")
    assert hop.tls.need == "encrypt"
    file.write_text("user\nanother secret\n")
    assert world.hops("a.example")[0].credentials == ("user", "another secret")
    file.write_text("user\n")
    found = world.hops("a.example")
    assert isinstance(found, TryLater)
    assert found.status == "4.3.5"
    file.unlink()
    assert isinstance(world.hops("a.example"), TryLater)
