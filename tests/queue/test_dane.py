"""Which TLSA records hold: RFC 7672 §2 and §3."""

import pytest

from mailserverd.interfaces.resolver import LookupFailed, TlsaRecord
from mailserverd.queue.dane import Tlsa, is_usable, tlsa_of
from tests.nameserver.resolver import ZoneResolver
from tests.nameserver.zones import Zones
from tests.queue.where import run

DIGEST = "ab" * 32
GOOD = TlsaRecord(3, 1, 1, b"\xab" * 32)


def of(zones: Zones, host: str = "m.example", trusted: bool = True) -> Tlsa | None:
    answer: Tlsa | None = run(tlsa_of(host, 25, ZoneResolver(zones, trusted=trusted)))
    return answer


def zones(*more: str, secure: tuple[str, ...] = ("",), **others: tuple[str, ...]) -> Zones:
    return Zones("m.example A 192.0.2.1", f"_25._tcp.m.example TLSA 3 1 1 {DIGEST}", *more, secure=secure, **others)


def test_validated_records_hold() -> None:
    assert of(zones()) == Tlsa("m.example", (GOOD,))


def test_no_record_is_no_dane() -> None:
    assert of(Zones("m.example A 192.0.2.1", secure=[""])) is None
    assert of(Zones("m.example A 192.0.2.1", "_25._tcp.m.example TXT x", secure=[""])) is None


def test_insecure_addresses_or_records_are_no_dane() -> None:
    assert of(zones(secure=())) is None
    insecure_records = zones(secure=("m.example",))
    insecure_records.add("n.example A 192.0.2.2")
    insecure_records.add("_25._tcp.n.example CNAME t.elsewhere")
    insecure_records.add(f"t.elsewhere TLSA 3 1 1 {DIGEST}")
    insecure_records.secure.add("n.example")
    assert of(insecure_records, "n.example") is None


def test_a_nameserver_that_is_not_believed_is_not_even_asked() -> None:
    given = zones()
    assert of(given, trusted=False) is None
    assert given.asked == []


@pytest.mark.parametrize("broken", ["_25._tcp.m.example", "m.example A"])
def test_a_failing_lookup_is_no_proof_that_there_is_none(broken: str) -> None:
    with pytest.raises(LookupFailed):
        of(zones(failing=(broken,)))


def test_a_failing_lookup_below_an_insecure_host_does_not_matter() -> None:
    assert of(zones(secure=(), failing=("_25._tcp.m.example",))) is None


def test_the_end_of_secure_cnames_comes_before_the_host_itself() -> None:
    lines = ["x.example CNAME m.example", f"_25._tcp.x.example TLSA 3 0 1 {DIGEST}"]
    assert of(zones(*lines), "x.example") == Tlsa("m.example", (GOOD,))
    given = zones(*lines)
    given.remove("_25._tcp.m.example", "TLSA")
    assert of(given, "x.example") == Tlsa("x.example", (TlsaRecord(3, 0, 1, b"\xab" * 32),))


def test_a_secure_cname_to_an_insecure_name_leaves_the_hosts_own_records() -> None:
    lines = ["x.example CNAME far.test", f"_25._tcp.x.example TLSA 2 0 1 {DIGEST}", "far.test A 192.0.2.3"]
    lines.append(f"_25._tcp.far.test TLSA 3 1 1 {DIGEST}")
    assert of(zones(*lines, secure=("example",)), "x.example") == Tlsa(
        "x.example", (TlsaRecord(2, 0, 1, b"\xab" * 32),)
    )
    assert of(zones(*lines, secure=("test",)), "x.example") is None


def test_records_of_which_none_is_usable_still_hold() -> None:
    given = Zones("m.example A 192.0.2.1", f"_25._tcp.m.example TLSA 1 1 1 {DIGEST}", secure=[""])
    assert of(given) == Tlsa("m.example", ())


@pytest.mark.parametrize(
    ("record", "usable"),
    [
        (TlsaRecord(2, 0, 0, b"x"), True),
        (TlsaRecord(3, 1, 2, bytes(64)), True),
        (TlsaRecord(0, 0, 1, bytes(32)), False),
        (TlsaRecord(1, 0, 1, bytes(32)), False),
        (TlsaRecord(3, 2, 1, bytes(32)), False),
        (TlsaRecord(3, 1, 3, bytes(32)), False),
        (TlsaRecord(3, 1, 1, bytes(31)), False),
        (TlsaRecord(3, 1, 2, bytes(32)), False),
        (TlsaRecord(3, 1, 0, b""), False),
    ],
)
def test_usable_records(record: TlsaRecord, usable: bool) -> None:
    assert is_usable(record) is usable
