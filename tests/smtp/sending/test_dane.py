"""TLSA records against chains, with and without a connection (RFC 7671, RFC 7672)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from mailserverd.interfaces.mail_transport import HopFailed
from mailserverd.interfaces.resolver import TlsaRecord
from mailserverd.smtp.sending.dane import matches_anchor, matches_end_entity, usable
from mailserverd.smtp.sending.names import common_name_is, is_for
from tests.smtp.sending.certificates import DAY, Issued, good, issue, middle, root
from tests.smtp.sending.conftest import Connect
from tests.smtp.sending.tls_peer import TlsPeer


def chain(*issued: Issued) -> list[x509.Certificate]:
    return [each.certificate for each in issued]


@pytest.mark.parametrize(
    ("record", "good"),
    [
        (TlsaRecord(3, 1, 1, b"x" * 32), True),
        (TlsaRecord(2, 0, 2, b"x" * 64), True),
        (TlsaRecord(3, 0, 0, b"x"), True),
        (TlsaRecord(0, 1, 1, b"x" * 32), False),  # PKIX-TA
        (TlsaRecord(1, 1, 1, b"x" * 32), False),  # PKIX-EE
        (TlsaRecord(4, 1, 1, b"x" * 32), False),
        (TlsaRecord(3, 2, 1, b"x" * 32), False),
        (TlsaRecord(3, 1, 3, b"x" * 32), False),
        (TlsaRecord(3, 1, 1, b"x" * 31), False),
        (TlsaRecord(3, 1, 2, b"x" * 32), False),
        (TlsaRecord(3, 1, 0, b""), False),
    ],
)
def test_what_is_usable(record: TlsaRecord, good: bool) -> None:
    assert usable(record) is good


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_every_form_of_a_record(selector: int, matching: int) -> None:
    leaf = good().certificate
    assert matches_end_entity(leaf, [good().tlsa(3, selector, matching)])
    assert not matches_end_entity(leaf, [middle().tlsa(3, selector, matching)])
    assert not matches_end_entity(leaf, [good().tlsa(2, selector, matching)])
    whole = chain(good(), middle(), root())
    assert matches_anchor(whole, [root().tlsa(2, selector, matching)])
    assert matches_anchor(whole, [middle().tlsa(2, selector, matching)])
    assert not matches_anchor(whole, [middle().tlsa(3, selector, matching)])
    assert not matches_anchor(whole, [good().tlsa(2, selector, matching)])  # an anchor is above the leaf


def test_one_of_several_records_is_enough() -> None:
    records = [root().tlsa(3), TlsaRecord(3, 1, 1, b"x" * 32), good().tlsa(3)]
    assert matches_end_entity(good().certificate, records)


def test_an_anchor_that_did_not_issue_the_leaf() -> None:
    other = issue("Other", authority=True)
    assert not matches_anchor(chain(good(), middle(), other), [other.tlsa(2)])
    assert not matches_anchor(chain(good(), other), [other.tlsa(2)])


def test_a_chain_with_a_gap() -> None:
    assert not matches_anchor(chain(good(), root()), [root().tlsa(2)])


def test_an_anchor_that_is_in_the_record_alone() -> None:
    assert matches_anchor(chain(good(), middle()), [root().tlsa(2, 0, 0)])
    assert not matches_anchor(chain(good(), middle()), [TlsaRecord(2, 0, 0, b"no certificate")])
    assert not matches_anchor(chain(good(), middle()), [root().tlsa(2, 0, 1)])


def test_an_expired_leaf_below_an_anchor() -> None:
    expired = issue("mx", middle(), names=("mx.example",), age=timedelta(days=60))
    assert not matches_anchor(chain(expired, middle()), [middle().tlsa(2)])
    assert matches_end_entity(expired.certificate, [expired.tlsa(3)])  # RFC 7672 §3.1.1: dates don't matter


def test_an_issuer_that_may_not_issue() -> None:
    no_authority = issue("No", root())
    leaf = issue("mx", no_authority, names=("mx.example",))
    assert not matches_anchor(chain(leaf, no_authority, root()), [root().tlsa(2)])


def test_names() -> None:
    wild = issue("x", names=("*.y.example", "192.0.2.1")).certificate
    assert is_for(wild, ["mx.y.example"])
    assert not is_for(wild, ["a.mx.y.example", "y.example", "192.0.2.2"])
    assert is_for(wild, ["192.0.2.1"])
    assert not is_for(wild, [])
    assert not is_for(wild, ["not a name", "", "\0.example"])
    bare = issue("mx.example").certificate
    assert not is_for(bare, ["mx.example"])
    assert common_name_is(bare, ["MX.example"])
    assert not common_name_is(bare, ["other.example"])
    assert not common_name_is(issue("mx.example", names=("a.example",)).certificate, ["mx.example"])
    assert common_name_is(issue("mx.example", names=("192.0.2.1",)).certificate, ["mx.example"])


OLD = timedelta(days=60)
SELF_SIGNED = issue("whoever", names=("elsewhere.example",), age=OLD, life=DAY)


@pytest.mark.parametrize(
    ("leaf", "records", "names", "verified"),
    [
        (SELF_SIGNED, (SELF_SIGNED.tlsa(3),), (), True),
        (SELF_SIGNED, (SELF_SIGNED.tlsa(1),), (), False),  # no usable one: TLS, whoever it is
        (good(), (root().tlsa(2),), ("y.example", "mx.example"), True),
        (good(), (SELF_SIGNED.tlsa(3), middle().tlsa(2, 0, 2)), (), True),
    ],
)
def test_over_a_connection(
    leaf: Issued,
    records: tuple[TlsaRecord, ...],
    names: tuple[str, ...],
    verified: bool,
    connect: Connect,
    tmp_path: Path,
) -> None:
    with TlsPeer(lambda peer: peer.offers_tls(), leaf.write(tmp_path, middle(), root())) as peer:
        connection = connect(peer.port, "dane", tlsa=records, names=names)
        assert connection.peer.verified is verified
        assert connection.peer.tls
        connection.abort()
    assert peer.server_names == [names[0] if names else "mx.example"]  # RFC 7672 §8.1


@pytest.mark.parametrize(
    ("records", "names", "reason"),
    [
        ((SELF_SIGNED.tlsa(3),), (), "validation-failure"),
        ((SELF_SIGNED.tlsa(2), TlsaRecord(1, 1, 1, b"x" * 32)), (), "validation-failure"),
        ((root().tlsa(2),), ("other.example",), "certificate-host-mismatch"),
    ],
)
def test_no_session_with_another_certificate(
    records: tuple[TlsaRecord, ...], names: tuple[str, ...], reason: str, connect: Connect, tmp_path: Path
) -> None:
    def script(peer: TlsPeer) -> None:
        peer.greets("STARTTLS")
        peer.hears("STARTTLS")
        peer.says("220 go")
        try:
            peer.starts_tls()
        except OSError:
            return
        assert peer.waits_for_end() == []

    with TlsPeer(script, good().write(tmp_path, middle(), root())) as peer:
        with pytest.raises(HopFailed) as caught:
            connect(peer.port, "dane", tlsa=records, names=names)
    assert (caught.value.stage, caught.value.tls_reason) == ("tls", reason)
