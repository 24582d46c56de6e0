from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.smtp.client.offer import PeerOffer, read_offer
from mailserverd.wire.smtp.client.reply import Reply


def offered(*lines: bytes) -> PeerOffer:
    return read_offer(Reply(250, (b"mx.example", *lines)))


def test_what_is_offered() -> None:
    found = offered(
        b"PIPELINING",
        b"size 52428800",
        b"AUTH PLAIN login",
        b"AUTH=SCRAM-SHA-256",
        b"LIMITS RCPTMAX=50 MAILMAX=3 OTHER=x",
        b"DELIVERBY 240",
    )
    assert found.keywords == {"PIPELINING", "SIZE", "AUTH", "LIMITS", "DELIVERBY"}
    assert found.max_octets == 52428800
    assert found.max_recipients == 50
    assert found.max_messages == 3
    assert found.mechanisms == {"PLAIN", "LOGIN", "SCRAM-SHA-256"}
    assert found.least_seconds == 240


def test_what_is_not_understood_is_no_offer() -> None:
    found = offered(
        b"", b"SIZE", b"SIZE x", b"SIZE -5", b"SIZE \xb2", b"\xff\xfe", b"STARTTLS!", b"LIMITS RCPTMAX=", b"AUTH"
    )
    assert found.max_octets == 0
    assert found.max_recipients == 0
    assert found.mechanisms == frozenset()
    assert found.keywords == {"SIZE", "LIMITS", "AUTH"}
    assert offered(b"SIZE 0").max_octets == 0
    assert offered(b"SIZE " + b"9" * 5000).max_octets == 0
    assert read_offer(Reply(250, (b"PIPELINING",))).keywords == frozenset()  # the first line is a name


@given(st.lists(st.binary(max_size=40), max_size=8))
@settings(max_examples=150, deadline=None)
def test_any_lines(lines: list[bytes]) -> None:
    found = offered(*lines)
    assert all(each.isascii() for each in found.keywords | found.mechanisms)
