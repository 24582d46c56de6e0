"""RFC 8460 §3: where reports are wanted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.model.address import check_address
from mailserverd.wire.tls_report.record import MAX_PLACES, Wanted, parse_record


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ((b"v=TLSRPTv1;rua=mailto:Reports@example.com",), Wanted(("reports@example.com",), ())),
        ((b"v=TLSRPTv1; x=y; rua=https://r.example/v1?a=b;",), Wanted((), ("https://r.example/v1?a=b",))),
        (
            (b"other", b"v=TLSRPTv1 ; rua = mailto:a%2Bb@example.com?subject=x , HTTPS://r.example:8443/"),
            Wanted(("a+b@example.com",), ("HTTPS://r.example:8443/",)),
        ),
        ((b"v=TLSRPTv1;rua=mailto:a@b.example", b"v=TLSRPTv1;rua=mailto:c@b.example"), None),
        ((b"v=TLSRPTv2;rua=mailto:a@b.example",), None),
        ((b"v=TLSRPTv1",), None),
        ((b"v=TLSRPTv1;rua=",), None),
        ((b"v=TLSRPTv1;rua=http://r.example/",), None),
        ((b"v=TLSRPTv1;rua=https://u:p@r.example/",), None),
        ((b"v=TLSRPTv1;rua=https://r.example:99999/",), None),
        ((b"v=TLSRPTv1;rua=https:///x",), None),
        ((b"v=TLSRPTv1;rua=mailto:a@b.example%0d%0aBcc:x@y.example",), None),
        ((b"v=TLSRPTv1;rua=mailto:nobody",), None),
        ((), None),
    ],
)
def test_records(texts: tuple[bytes, ...], wanted: Wanted | None) -> None:
    assert parse_record(texts) == wanted


def test_places_are_bounded() -> None:
    found = parse_record((b"v=TLSRPTv1;rua=" + b",".join(b"mailto:a%d@b.example" % n for n in range(20)),))
    assert found is not None
    assert len(found.addresses) == MAX_PLACES


@given(st.binary(max_size=200), st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_nothing_escapes(octets: bytes, rua: str) -> None:
    parse_record((octets,))
    for scheme in ("mailto:", "https://"):
        found = parse_record((f"v=TLSRPTv1;rua={scheme}{rua}".encode("utf-8", "replace"),))
        for address in found.addresses if found else ():
            assert check_address(address) is None
        for url in found.urls if found else ():
            assert url.isascii()
            assert url.isprintable()
