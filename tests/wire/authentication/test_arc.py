"""Seals of ours, verified by dkimpy; and the public suite's body hashes."""

import re
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.authentication.arc import BrokenChain, chain_of, seal_fields
from mailserverd.wire.authentication.canonical import fields_of, parted, relaxed_body, relaxed_field
from mailserverd.wire.authentication.dkim import signature_fields
from tests.wire.authentication.keys import Published, key

NOW = 1_795_000_000
FIRST, SECOND = key("rsa", "lists.example", "one"), key("rsa", "fwd.example", "two")
AUTHOR = key("rsa")
DNS = Published([FIRST, SECOND, AUTHOR])
MESSAGE = (
    b"From: Alice <alice@example.org>\r\nTo: list@lists.example\r\nSubject: hi\r\nDate: now\r\n"
    b"Message-ID: <1@example.org>\r\n\r\nHey  gang,\r\nThis is a test.\r\n\r\n"
)


def sealed(message: bytes, cv: bytes, by: object = FIRST) -> bytes:
    return seal_fields(message, by, b"mx.example; arc=none", cv, NOW) + message  # type: ignore[arg-type]


def verdict(message: bytes) -> tuple[bytes, list[dict[str, object]], str]:
    found: tuple[bytes, list[dict[str, object]], str] = dkim.arc_verify(message, dnsfunc=DNS)
    return found


def test_the_first_seal_holds() -> None:
    cv, results, why = verdict(sealed(MESSAGE, b"none"))
    assert (cv, why) == (b"pass", "success")
    assert [each["ams-valid"] for each in results] == [True]


def test_a_second_one_holds_over_the_first() -> None:
    signed = signature_fields(MESSAGE, [AUTHOR], NOW) + MESSAGE
    twice = sealed(b"Received: by x; now\r\n" + sealed(signed, b"none"), b"pass", SECOND)
    cv, results, _ = verdict(twice)
    assert cv == b"pass"
    assert len(results) == 2
    assert dkim.verify(twice, dnsfunc=DNS)
    assert len(chain_of(fields_of(parted(twice)[0]))) == 2


@pytest.mark.parametrize(
    "change", [(b"Hey  gang", b"Hey all"), (b"Subject: hi", b"Subject: ho"), (b"arc=none", b"arc=pass")]
)
def test_a_change_breaks_it(change: tuple[bytes, bytes]) -> None:
    message = sealed(MESSAGE, b"none")
    assert message.count(change[0]) == 1
    assert verdict(message.replace(*change))[0] == b"fail"


def test_a_failed_chain_is_sealed_alone() -> None:
    """RFC 8617 §5.1.2. dkimpy does not go on behind a cv=fail, so that seal is verified here."""
    broken = sealed(MESSAGE, b"none").replace(b"Hey", b"Hi")
    message = sealed(broken, b"fail", SECOND)
    assert "reported failure" in verdict(message)[2]
    mine = chain_of(fields_of(parted(message)[0]))[-1]
    unsigned, _, value = mine.seal.partition(b"\tb=")
    own = b"".join(map(relaxed_field, (mine.results, mine.message, unsigned + b"\tb=")))[:-2]
    public = SECOND.private.public_key()
    assert isinstance(public, RSAPublicKey)
    public.verify(b64decode(re.sub(rb"\s", b"", value)), own, PKCS1v15(), SHA256())


def test_a_chain_that_is_not_whole_is_not_made_longer() -> None:
    once = sealed(MESSAGE, b"none")
    for broken in (
        re.sub(rb"ARC-Seal:.*\r\n(?:[ \t].*\r\n)*", b"", once),
        once.replace(b"i=1; a=", b"i=2; a=", 1),
        once.replace(b"i=1; mx", b"i=0; mx", 1),
    ):
        with pytest.raises(BrokenChain):
            sealed(broken, b"pass")
    with pytest.raises(BrokenChain):
        sealed(MESSAGE, b"pass")
    with pytest.raises(BrokenChain):
        sealed(once, b"none")
    many = b"".join(
        b"ARC-Seal: i=%d;\r\nARC-Message-Signature: i=%d;\r\nARC-Authentication-Results: i=%d;\r\n" % (n, n, n)
        for n in range(1, 51)
    )
    with pytest.raises(BrokenChain, match="no further"):
        sealed(many + MESSAGE, b"pass")


@given(st.lists(st.sampled_from([b"ARC-Seal: ", b"ARC-Message-Signature: ", b"i=1;", b"i=2", b" ", b"\r\n", b"x=i=1"])))
@settings(max_examples=200, deadline=None)
def test_no_header_is_too_odd(pieces: list[bytes]) -> None:
    try:
        chain = chain_of(fields_of(b"".join(pieces) + b"\r\n"))
    except BrokenChain:
        return
    assert chain == []


# The public suite: the body hash of every message that it has signed.
_SUITE = Path(__file__).parents[4] / "shared/data/arc/arc-draft-sign-tests.yml"
_CASE = re.compile(r"^  (\w+):\n.*?^    message: +\|\n(.*?)^    t: .*?\bbh=([A-Za-z0-9+/=\s]+);", re.M | re.S)


def test_the_body_hashes_of_the_suite() -> None:
    if not _SUITE.exists():
        pytest.skip("no shared data here")
    cases = _CASE.findall(_SUITE.read_text())
    assert len(cases) >= 15
    for name, block, expected in cases:
        text = "".join(line[6:] + "\r\n" for line in block.split("\n")[:-1]).rstrip("\r\n") + "\r\n"
        _, body = parted(text.encode())
        assert b64encode(sha256(relaxed_body(body)).digest()).decode() == "".join(expected.split()), name
