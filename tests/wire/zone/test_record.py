import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.zone
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.zone.record import Record, quoted


@given(st.text(max_size=700))
@settings(max_examples=200, deadline=None)
def test_a_text_is_read_back_by_dnspython(text: str) -> None:
    read = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, quoted(text))
    assert b"".join(read.strings) == text.encode()


@pytest.mark.parametrize(
    "record",
    [
        Record("example.org", "MX", "10 mx.example.org.", "MX"),
        Record("a._domainkey.example.org", "TXT", "v=DKIM1; p=" + "A" * 600, "DKIM"),
        Record("_25._tcp.mx.example.org", "TLSA", "3 1 1 " + "ab" * 32, "TLSA"),
        Record("_imaps._tcp.example.org", "SRV", "0 1 993 mx.example.org.", "IMAP"),
    ],
)
def test_a_line_is_a_line_of_a_zone_file(record: Record) -> None:
    text = "@ 60 IN SOA ns.example.org. host.example.org. 1 1 1 1 1\n@ IN NS ns.example.org.\n" + record.line(60)
    zone = dns.zone.from_text(text, "example.org.")
    assert zone.get_rdataset(record.name + ".", record.kind) is not None
