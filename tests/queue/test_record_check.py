"""What is to be published, read back out of a DNS that says it, and out of ones that say something else."""

import pytest

from mailserverd.queue.dkim_keys import Held
from mailserverd.queue.key_rotation import ACTIVE, Generation
from mailserverd.queue.published_records import Published, records, spf, sts_id, sts_policy
from mailserverd.queue.record_check import Difference, RecordCheck, tags
from mailserverd.wire.zone.record import Record, quoted
from tests.nameserver.resolver import ZoneResolver
from tests.nameserver.zones import Zones
from tests.queue.where import run
from tests.wire.authentication.keys import key

GENERATION = Generation("sel", ACTIVE, 1, 1)
HELD = Held(GENERATION, (key("rsa"), key("ed25519")))
DKIM = [Record(each.record_name, "TXT", each.record(), f"DKIM {each.kind}") for each in HELD.keys]
WANTED = Published(
    "example.org", "mx.example.org", DKIM, b"\x01" * 32, True, {"submissions": 465, "imaps": 993}, ("192.0.2.9",)
)
HOST = (
    "mx.example.org A 192.0.2.1", "mx.example.org AAAA 2001:db8::1", "1.2.0.192.in-addr.arpa PTR mx.example.org.",
    "9.2.0.192.in-addr.arpa PTR mx.example.org.", f"1.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa PTR mx.example.org.",
)  # fmt: skip
ALL = records(WANTED)


def line(record: Record) -> str:
    return f"{record.name} {record.kind} {quoted(record.value) if record.kind == 'TXT' else record.value}"


def published() -> Zones:
    return Zones(*HOST, *map(line, ALL))


def differences(zones: Zones) -> list[Difference]:
    return run(RecordCheck(ZoneResolver(zones), "mx.example.org", WANTED.sources).differences(ALL))


def test_what_is_published_as_printed_has_no_difference() -> None:
    assert differences(published()) == []


@pytest.mark.parametrize("record", [each for each in ALL if each.value != "0 0 0 ."], ids=lambda each: each.name)
def test_each_record_that_is_not_there_is_a_difference(record: Record) -> None:
    zones = Zones(*HOST, *[line(each) for each in ALL if each is not record])
    [found] = differences(zones)
    assert (found.name, found.kind, found.found) == (record.name, record.kind, "")
    assert "publish" in found.line()
    zones = Zones(*HOST, *map(line, ALL), failing=[f"{record.name} {record.kind}"])
    if record.kind != "CNAME":
        assert "nameserver" in differences(zones)[0].todo


@pytest.mark.parametrize(
    ("name", "kind", "instead", "todo"),
    [
        ("example.org", "MX", "10 other.example.", "publish 10 mx.example.org."),
        ("example.org", "MX", "0 .", "publish 10"),
        ("example.org", "TXT", '"v=spf1 +all"', "put its terms"),
        ("example.org", "TXT", '"v=spf1 -all"', "put its terms"),
        ("example.org", "TXT", '"v=spf1 mx ip4:192.0.2.9"', "put its terms"),
        ("sel-rsa._domainkey.example.org", "TXT", '"v=DKIM1; k=rsa; p=AAAA"', "printed here"),
        ("sel-rsa._domainkey.example.org", "TXT", '"v=DKIM1; p="', "printed here"),
        ("_dmarc.example.org", "TXT", '"v=DMARC1; p=maybe"', "give it a policy"),
        ("_mta-sts.example.org", "TXT", '"v=STSv1; id=1;"', "publish id="),
        ("_smtp._tls.example.org", "TXT", '"v=TLSRPTv1"', "reports"),
        ("_25._tcp.mx.example.org", "TLSA", "3 1 1 " + "02" * 32, "DANE"),
        ("_imaps._tcp.example.org", "SRV", "0 1 143 mx.example.org.", "publish 0 1 993"),
        ("_imap._tcp.example.org", "SRV", "0 1 143 mx.example.org.", "publish 0 0 0 ."),
        ("9.2.0.192.in-addr.arpa", "PTR", "pool-9.isp.example.", "ask whoever gave you"),
    ],
)
def test_what_says_something_else_is_a_difference(name: str, kind: str, instead: str, todo: str) -> None:
    zones = published()
    zones.remove(name, kind)
    zones.add(f"{name} {kind} {instead}")
    [found] = differences(zones)
    assert found.found
    assert todo in found.todo


@pytest.mark.parametrize(
    ("name", "kind", "instead"),
    [
        ("example.org", "TXT", '"v=spf1 a mx ip4:192.0.2.9 ip4:198.51.100.0/24 ~all"'),
        ("example.org", "TXT", '"v=spf1 include:spf.example.net -all"'),
        ("_dmarc.example.org", "TXT", '"v=DMARC1;p=reject;pct=50"'),
        ("sel-ed25519._domainkey.example.org", "TXT", '"p=KEY ; k=ed25519; t=s"'),
        ("_imaps._tcp.example.org", "SRV", "5 7 993 mx.example.org."),
        ("_smtp._tls.example.org", "TXT", '"v=TLSRPTv1;rua=https://reports.example/x"'),
        ("autoconfig.example.org", "CNAME", "mx.example.org."),
    ],
)
def test_what_says_as_much_is_none(name: str, kind: str, instead: str) -> None:
    zones = published()
    zones.remove(name, kind)
    zones.add(f"{name} {kind} {instead.replace('KEY', tags(DKIM[1].value)['p'])}")
    assert differences(zones) == []


def test_two_that_cannot_both_be_and_others_that_do_not_matter() -> None:
    zones = published()
    zones.add('example.org TXT "google-site-verification=x"')
    zones.add('example.org TXT "v=spf1000 -all"')
    assert differences(zones) == []
    zones.add('example.org TXT "v=spf1 -all"')
    assert "leave one" in differences(zones)[0].todo
    zones = published()
    zones.add("example.org MX 20 backup.example.")
    assert differences(zones) == []
    zones.add("example.org MX 5 first.example.")
    assert "lowest number" in differences(zones)[0].todo


def test_a_host_without_an_address_and_addresses_without_the_host() -> None:
    zones = Zones(*map(line, ALL))
    found = [each for each in differences(zones) if each.what in ("host", "reverse")]
    assert [(each.name, each.kind) for each in found] == [("mx.example.org", "A"), ("192.0.2.9", "PTR")]


def test_the_policy_and_its_id_go_together() -> None:
    text = sts_policy(WANTED)
    assert text == "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 604800\r\n"
    other = Published("example.org", "mx.example.org", (), b"", False, {})
    assert "mode: testing" in sts_policy(other)
    assert sts_id(other) != sts_id(WANTED)
    assert sts_id(WANTED).isalnum()
    assert len(sts_id(WANTED)) <= 32  # RFC 8461 §3.1
    assert not [each for each in records(other) if each.kind == "TLSA"]
    assert spf(("192.0.2.1", "2001:db8::5")) == "v=spf1 mx ip4:192.0.2.1 ip6:2001:db8::5 -all"
