"""What TLS must be: the strictest of route, DANE, MTA-STS and REQUIRETLS."""

from typing import Any

import pytest

from mailserverd.interfaces.mail_transport import HopFailed, Peer, TlsRule
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.queue.broken_tls import HOLDS_SECONDS, MAX_HOSTS, BrokenTls
from mailserverd.wire.mta_sts.policy import Mode, StsPolicy
from tests.nameserver.zones import Zones
from tests.queue.where import World

DIGEST = "ab" * 32
LINES = ("a.example MX 10 m.a.example", "m.a.example A 192.0.2.1")
TLSA = f"_25._tcp.m.a.example TLSA 3 1 1 {DIGEST}"


def world(*more: str, secure: Any = (), sts: Mode | None = None, mx: str = "m.a.example", **outbound: Any) -> World:
    made = World(Zones(*LINES, *more, secure=secure), **outbound)
    if sts is not None:
        made.policies["a.example"] = StsPolicy(sts, (mx,), 86400, ())
    return made


def route(tls: str, target: str = "") -> dict[str, Any]:
    return {"routes": [{"domain": "a.example", "tls": tls, "target": target}]}


def rule(made: World, require_tls: bool = False) -> TlsRule:
    (hop,) = made.hops("a.example", require_tls)
    return hop.tls


def test_nothing_published_is_opportunistic() -> None:
    assert rule(world()) == TlsRule()


@pytest.mark.parametrize("tls", ["none", "may", "encrypt", "verify"])
def test_the_rule_of_a_route(tls: str) -> None:
    made = rule(world(**route(tls)))
    assert made.need == tls
    assert made.names == (("m.a.example",) if tls == "verify" else ())


def test_enforce_demands_a_certificate_of_the_exchanger() -> None:
    assert rule(world(sts=Mode.ENFORCE)) == TlsRule("verify", ("m.a.example",), (), "sts")


def test_an_exchanger_that_the_policy_does_not_allow_gets_nothing() -> None:
    found = world(sts=Mode.ENFORCE, mx="other.example").hops("a.example")
    assert isinstance(found, TryLater)
    assert found.status == "4.7.5"
    two = world("a.example MX 5 evil.example", "evil.example A 192.0.2.66", sts=Mode.ENFORCE)
    assert two.addresses("a.example") == ["192.0.2.1"]
    assert two.results == [("a.example", "evil.example", "not allowed")]


@pytest.mark.parametrize("mx", ["m.a.example", "other.example"])
def test_testing_only_watches(mx: str) -> None:
    assert rule(world(sts=Mode.TESTING, mx=mx)) == TlsRule("may", ("m.a.example",), (), "sts")


def test_a_policy_of_none_is_none() -> None:
    assert rule(world(sts=Mode.NONE)) == TlsRule()


def test_dane_comes_before_sts() -> None:
    made = rule(world(TLSA, secure=[""], sts=Mode.ENFORCE))
    assert (made.need, made.policy, made.names) == ("dane", "tlsa", ("m.a.example", "a.example"))
    assert len(made.tlsa) == 1


def test_dane_needs_the_mx_records_validated_too() -> None:
    assert rule(world(TLSA, secure=["m.a.example"])) == TlsRule()


def test_records_that_cannot_be_used_demand_tls_all_the_same() -> None:
    unusable = TLSA.replace("3 1 1", "1 1 1")
    assert rule(world(unusable, secure=[""])) == TlsRule("encrypt", (), (), "tlsa")
    assert rule(world(unusable, secure=[""], sts=Mode.ENFORCE)).need == "verify"


def test_a_tlsa_lookup_that_fails_leaves_the_host_out() -> None:
    made = world(secure=[""])
    made.zones.failing.add("_25._tcp.m.a.example")
    found = made.hops("a.example")
    assert isinstance(found, TryLater)
    assert found.status == "4.7.5"


@pytest.mark.parametrize(("setting", "need"), [("dane", "verify"), ("mta_sts", "dane")])
def test_each_can_be_switched_off(setting: str, need: str) -> None:
    assert rule(world(TLSA, secure=[""], sts=Mode.ENFORCE, **{setting: False})).need == need


@pytest.mark.parametrize("tls", ["none", "may"])
def test_an_administrator_may_decide_against_what_is_published(tls: str) -> None:
    assert rule(world(TLSA, secure=[""], sts=Mode.ENFORCE, **route(tls))).need == tls


@pytest.mark.parametrize("tls", ["encrypt", "verify"])
def test_what_is_published_raises_what_a_route_asks(tls: str) -> None:
    assert rule(world(TLSA, secure=[""], **route(tls))).need == "dane"
    assert rule(world(sts=Mode.ENFORCE, **route(tls))).need == "verify"


def test_dane_holds_for_the_host_of_a_route() -> None:
    relay = ("r.test A 192.0.2.5", f"_587._tcp.r.test TLSA 3 1 1 {DIGEST}")
    assert rule(world(*relay, secure=["r.test"], **route("", "smtp://r.test:587"))).need == "dane"
    assert rule(world(*relay, secure=["r.test"], **route("", "lmtp://r.test:587"))).need == "may"
    assert rule(world(**route("", "smtps://192.0.2.5"))) == TlsRule("encrypt", (), (), "route")


def test_requiretls_demands_a_certificate_and_a_way_that_is_known_securely() -> None:
    assert rule(world(secure=[""]), True) == TlsRule("verify", ("m.a.example",), (), "requiretls")
    assert rule(world(TLSA, secure=[""]), True).need == "dane"
    assert rule(world(sts=Mode.TESTING), True).need == "verify"
    assert rule(world(**route("may", "smtp://192.0.2.5")), True).need == "verify"
    for found in (world().hops("a.example", True), world(sts=Mode.TESTING, mx="x.example").hops("a.example", True)):
        assert isinstance(found, Refused)
        assert found.status == "5.7.30"


def test_requiretls_overrides_a_route_without_tls() -> None:
    assert rule(world(secure=[""], **route("none")), True).need == "verify"


def broke(made: World) -> None:
    (hop,) = made.hops("a.example")
    made.routing.failed("a.example", hop, HopFailed("tls", TryLater("4.7.5", "x"), tls_reason="validation-failure"))


def test_after_a_broken_handshake_the_next_attempt_is_in_plaintext_for_a_while() -> None:
    made = world()
    broke(made)
    assert rule(made).need == "none"
    made.clock.advance(HOLDS_SECONDS)
    assert rule(made).need == "may"
    broke(made)
    made.routing.forget()
    assert rule(made).need == "none"


@pytest.mark.parametrize("made", [world(sts=Mode.ENFORCE), world(**route("encrypt")), world(TLSA, secure=[""])])
def test_a_policy_that_demands_tls_stays(made: World) -> None:
    before = rule(made)
    broke(made)
    assert rule(made) == before


def test_what_broke_before_a_policy_was_known_does_not_count_under_it() -> None:
    made = world()
    broke(made)
    made.policies["a.example"] = StsPolicy(Mode.ENFORCE, ("m.a.example",), 1, ())
    assert rule(made).need == "verify"


def test_results_are_counted() -> None:
    made = world(sts=Mode.TESTING)
    (hop,) = made.hops("a.example")
    made.routing.connected("a.example", hop, Peer("m", "TLSv1.3", True))
    made.routing.connected("a.example", hop, Peer("m", "TLSv1.3", False))
    made.routing.connected("a.example", hop, Peer("m"))
    made.routing.failed("a.example", hop, HopFailed("connect", TryLater("4.4.1", "x")))
    broke(made)
    assert [reason for _, _, reason in made.results] == [
        "",
        "validation-failure",
        "starttls-not-supported",
        "validation-failure",
    ]


def test_plaintext_after_a_broken_handshake_is_not_counted() -> None:
    made = world()
    broke(made)
    made.results.clear()
    (hop,) = made.hops("a.example")
    made.routing.connected("a.example", hop, Peer("m"))
    assert made.results == []


def test_what_is_remembered_is_bounded() -> None:
    broken = BrokenTls(lambda: 0.0)
    for number in range(MAX_HOSTS + 5):
        broken.broke(str(number))
    assert not broken.is_broken("4")
    assert broken.is_broken("5")
    broken.worked("5")
    assert not broken.is_broken("5")


def test_who_takes_mail_by_a_route_is_not_counted_for_the_domain() -> None:
    made = world(**route("", "smtp://192.0.2.5"))
    (hop,) = made.hops("a.example")
    made.routing.connected("a.example", hop, Peer("m", "TLSv1.3"))
    broke(made)
    assert made.results == []
