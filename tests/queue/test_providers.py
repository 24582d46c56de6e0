"""Which exchangers belong to one provider."""

import pytest

from mailserverd.queue.providers import known_providers


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("gmail-smtp-in.l.google.com", "google"),
        ("ASPMX.L.GOOGLE.COM.", "google"),
        ("example-org.mail.protection.outlook.com", "microsoft"),
        ("mta7.am0.yahoodns.net", "yahoo"),
        ("mx01.mail.icloud.com", "apple"),
        ("mx00.emig.gmx.net", "gmx"),
        ("mx-ha.web.de", "gmx"),
        ("mx00.t-online.de", "t-online"),
        ("mx0a-00123.pphosted.com", "proofpoint"),
        ("eu-smtp-inbound-1.mimecast.com", "mimecast"),
        ("d1.ess.barracudanetworks.com", "barracuda"),
        ("mx1.mail.example.co.uk", "example.co.uk"),
        ("mx2.other.example.co.uk", "example.co.uk"),
        ("notgoogle.com", "notgoogle.com"),
        ("mx.xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        ("co.uk", "co.uk"),
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.8", "192.0.2.8"),
        ("[IPv6:2001:db8::1]", "2001:db8::1"),
        ("", ""),
    ],
)
def test_the_provider_of_an_exchanger(host: str, provider: str) -> None:
    assert known_providers().of(host) == provider


def test_ten_thousand_names_are_not_remembered_for_ever() -> None:
    providers = known_providers()
    for n in range(10_050):
        assert providers.of(f"mx.d{n}.example") == f"d{n}.example"
    assert len(providers._remembered) <= 10_000
