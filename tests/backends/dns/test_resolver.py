"""DnsResolver over zone data: what it answers, remembers and gives up."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from mailserverd.config.outbound import Dns
from mailserverd.interfaces.resolver import AliasLoop, LookupFailed, MailExchanger, NoSuchDomain, TlsaRecord
from tests.nameserver.resolver import ZoneResolver
from tests.nameserver.zones import Zones


def run(work: Any) -> Any:
    answers: list[Any] = []
    Deferred.fromCoroutine(work).addBoth(answers.append)
    assert answers, "it waits for something"
    if isinstance(answers[0], Failure):
        answers[0].raiseException()
    return answers[0]


def test_mx_records_and_the_null_mx() -> None:
    resolver = ZoneResolver(Zones("a.example MX 20 B.a.example.", "a.example MX 10 c.a.example", "n.example MX 0 ."))
    records, secure = run(resolver.mail_exchangers("A.example"))
    assert sorted(records) == [MailExchanger(10, "c.a.example"), MailExchanger(20, "b.a.example")]
    assert not secure
    assert run(resolver.mail_exchangers("n.example"))[0] == (MailExchanger(0, "."),)


def test_addresses_are_both_families_ipv6_first() -> None:
    resolver = ZoneResolver(Zones("m.example A 192.0.2.1", "m.example AAAA 2001:db8::1"))
    assert run(resolver.addresses("m.example"))[0] == ("2001:db8::1", "192.0.2.1")


def test_one_family_that_fails_leaves_the_other() -> None:
    resolver = ZoneResolver(Zones("m.example A 192.0.2.1", failing=["m.example AAAA"], secure=[""]))
    assert run(resolver.addresses("m.example")) == (("192.0.2.1",), True)


def test_no_address_and_a_family_that_fails_is_no_answer() -> None:
    resolver = ZoneResolver(Zones("m.example TXT x", failing=["m.example A"]))
    with pytest.raises(LookupFailed, match="SERVFAIL"):
        run(resolver.addresses("m.example"))


def test_a_name_without_addresses_is_no_missing_name() -> None:
    resolver = ZoneResolver(Zones("m.example TXT x"))
    assert run(resolver.addresses("m.example"))[0] == ()
    with pytest.raises(NoSuchDomain):
        run(resolver.addresses("other.example"))


def test_txt_strings_are_joined_and_tlsa_is_read() -> None:
    zones = Zones('t.example TXT "v=ST" "Sv1"', "_25._tcp.t.example TLSA 3 1 1 " + "ab" * 32)
    assert run(ZoneResolver(zones).texts("t.example"))[0] == (b"v=STSv1",)
    assert run(ZoneResolver(zones).tlsa("_25._tcp.t.example"))[0] == (TlsaRecord(3, 1, 1, b"\xab" * 32),)


def test_pointers() -> None:
    zones = Zones("1.2.0.192.in-addr.arpa PTR m.example")
    assert run(ZoneResolver(zones).pointers("192.0.2.1")) == ("m.example",)
    with pytest.raises(NoSuchDomain):
        run(ZoneResolver(zones).pointers("not an address"))


@pytest.mark.parametrize("follows", [True, False])
def test_cnames_are_followed_by_the_nameserver_or_by_us(follows: bool) -> None:
    lines = ["a.example CNAME b.example", "b.example CNAME c.example", "c.example A 192.0.2.1"]
    resolver = ZoneResolver(Zones(*lines, secure=[""], follows=follows))
    assert run(resolver.addresses("a.example"))[0] == ("192.0.2.1",)
    assert run(resolver.canonical("a.example")) == ("c.example", True)
    assert run(resolver.canonical("c.example")) == ("c.example", True)
    assert run(resolver.alias("a.example")) == ("b.example", True)
    assert run(resolver.alias("c.example")) == ("", True)


@pytest.mark.parametrize("follows", [True, False])
def test_an_insecure_step_makes_the_whole_insecure(follows: bool) -> None:
    lines = ["a.one.example CNAME b.two.example", "b.two.example A 192.0.2.1"]
    resolver = ZoneResolver(Zones(*lines, secure=["one.example"], follows=follows))
    assert run(resolver.canonical("a.one.example")) == ("b.two.example", False)
    assert run(resolver.alias("a.one.example")) == ("b.two.example", True)


@pytest.mark.parametrize("follows", [True, False])
def test_a_circle_of_cnames_is_no_name(follows: bool) -> None:
    resolver = ZoneResolver(Zones("a.example CNAME b.example", "b.example CNAME a.example", follows=follows))
    with pytest.raises(AliasLoop):
        run(resolver.addresses("a.example"))


def test_ad_is_believed_from_loopback_or_where_it_is_said() -> None:
    zones = Zones("a.example MX 1 m.example", secure=[""])
    assert run(ZoneResolver(zones).mail_exchangers("a.example"))[1]
    far = ZoneResolver(zones, trusted=False)
    assert not run(far.mail_exchangers("a.example"))[1]
    assert not far.trusts_ad
    named = ZoneResolver(
        zones, settings=Dns.model_validate({"nameservers": ["192.0.2.53"], "trust_ad": ["192.0.2.0/24"]})
    )
    assert run(named.mail_exchangers("a.example"))[1]
    assert named.trusts_ad


def test_a_missing_name_says_whether_that_is_proved() -> None:
    with pytest.raises(NoSuchDomain) as caught:
        run(ZoneResolver(Zones(secure=[""])).texts("a.example"))
    assert caught.value.secure


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "a..example", ".".join(["abcdefgh"] * 40)])
def test_a_name_that_cannot_be_is_not_asked_about(name: str) -> None:
    zones = Zones()
    with pytest.raises(NoSuchDomain):
        run(ZoneResolver(zones).addresses(name))
    assert zones.asked == []


def test_an_answer_is_remembered_for_its_time_and_a_negative_one_for_its_soas() -> None:
    clock, zones = Clock(), Zones("a.example A 192.0.2.1", "a.example MX 1 a.example")
    resolver = ZoneResolver(zones, clock)
    for _ in range(3):
        run(resolver.mail_exchangers("a.example"))
        run(resolver.texts("a.example"))
    assert zones.asked == ["a.example MX", "a.example TXT"]
    clock.advance(61)
    run(resolver.texts("a.example"))
    run(resolver.mail_exchangers("a.example"))
    assert zones.asked == ["a.example MX", "a.example TXT", "a.example TXT"]
    clock.advance(240)
    run(resolver.mail_exchangers("a.example"))
    assert zones.asked[3:] == ["a.example MX"]


def test_a_failure_is_not_remembered() -> None:
    zones = Zones("a.example MX 1 a.example", failing=["a.example"])
    resolver = ZoneResolver(zones)
    with pytest.raises(LookupFailed):
        run(resolver.mail_exchangers("a.example"))
    zones.failing.clear()
    assert run(resolver.mail_exchangers("a.example"))[0]


def test_other_nameservers_forget_what_the_first_ones_said() -> None:
    zones = Zones("a.example MX 1 a.example")
    resolver = ZoneResolver(zones)
    run(resolver.mail_exchangers("a.example"))
    resolver.reload(Dns(nameservers=("127.0.0.1",), timeout_seconds=2))
    run(resolver.mail_exchangers("a.example"))
    assert len(zones.asked) == 1
    resolver.reload(Dns(nameservers=("127.0.0.2",)))
    run(resolver.mail_exchangers("a.example"))
    assert len(zones.asked) == 2


class Waiting:
    """An exchange whose answers are given by hand."""

    def __init__(self, zones: Zones) -> None:
        self.zones, self.asked = zones, list[tuple[str, Deferred[Any]]]()

    async def ask(self, server: Any, query: Any, seconds: float) -> Any:
        waiting: Deferred[Any] = Deferred()
        self.asked.append((server.host, waiting))
        await waiting
        return self.zones.reply(query)


def test_the_same_question_at_once_goes_out_once_and_survives_one_who_left() -> None:
    resolver = ZoneResolver(Zones("a.example MX 1 a.example"))
    wire = resolver._exchange = Waiting(resolver.zones)  # type: ignore[assignment]
    first, second = (Deferred.fromCoroutine(resolver.mail_exchangers("a.example")) for _ in range(2))
    assert len(wire.asked) == 1
    first.addErrback(lambda _: None)
    first.cancel()
    answers: list[Any] = []
    second.addCallback(answers.append)
    wire.asked[0][1].callback(None)
    assert answers[0][0] == (MailExchanger(1, "a.example"),)
