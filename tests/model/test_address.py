import pytest

from mailserverd.model.address import (
    ascii_domain,
    canonical_address,
    canonical_domain,
    check_address,
    check_domain,
)


@pytest.mark.parametrize(
    ("address", "canonical"),
    [
        ("Anna@Example.ORG", "anna@example.org"),
        ("anna@xn--bcher-kva.example", "anna@bücher.example"),
        ("ANNA@BÜCHER.example", "anna@bücher.example"),
        ("u\u0308@x.example", "ü@x.example"),
        ("xn--x@example.org", "xn--x@example.org"),
        ("anna@xn--.example", "anna@.example"),
        ("no-at", "no-at"),
        ("", ""),
    ],
)
def test_canonical(address, canonical):
    assert canonical_address(address) == canonical
    assert canonical_address(canonical) == canonical


def test_labels_that_do_not_decode_are_left():
    assert canonical_domain("xn--\u00e9.example") == "xn--é.example"
    assert canonical_domain("xn--99999999999.example") == "xn--99999999999.example"


def test_to_the_dns():
    assert ascii_domain("bücher.example") == "xn--bcher-kva.example"
    assert ascii_domain("example.org") == "example.org"


@pytest.mark.parametrize("domain", ["example.org", "localhost", "a-b.example", "bücher.example", "उदाहरण.example"])
def test_good_domains(domain):
    assert check_domain(domain) is None


@pytest.mark.parametrize(
    "domain",
    ["", ".", "a..b", "-a.example", "a-.example", "a b.example", "a" * 64 + ".example", "a." * 130 + "a", "a/b"],
)
def test_bad_domains(domain):
    assert check_domain(domain)


@pytest.mark.parametrize("address", ["anna@example.org", "a.b+c@example.org", "o'neil@example.org", "ü@bücher.example"])
def test_good_addresses(address):
    assert check_address(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "anna",
        "@example.org",
        "anna@",
        ".a@example.org",
        "a.@example.org",
        "a..b@example.org",
        "a b@example.org",
        "a@b@example.org",
        '"a"@example.org',
        "a\n@example.org",
        "a" * 65 + "@example.org",
        "<a@example.org",
    ],
)
def test_bad_addresses(address):
    assert check_address(address)
