"""Hostile replies: nothing but BadReply and AliasLoop escapes."""

import contextlib

import dns.message
import dns.rdatatype
import dns.rrset
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.backends.dns.answer import MAX_TTL_SECONDS, Answer, BadReply, parse, question, read
from mailserverd.interfaces.resolver import AliasLoop
from tests.nameserver.zones import Zones

ZONES = Zones(
    "a.example MX 5 m.a.example", "m.a.example A 127.0.0.9", "c.example CNAME a.example", "l.example CNAME l.example"
)
REPLIES = [
    reply.to_wire()
    for name, kind in (("a.example", "MX"), ("c.example", "MX"), ("x.example", "MX"), ("l.example", "MX"))
    if (reply := ZONES.reply(question(name, dns.rdatatype.from_text(kind), 7, True)))
]


@given(st.sampled_from(REPLIES), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6))
@settings(max_examples=200, deadline=None)
def test_broken_replies(octets: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(octets)
    for at, value in changes:
        if at < len(changed):
            changed[at] = value
    try:
        answer = read(parse(bytes(changed)), "c.example", dns.rdatatype.MX, True)
    except (BadReply, AliasLoop):
        return
    assert isinstance(answer, Answer)
    assert 0 <= answer.ttl <= MAX_TTL_SECONDS


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_octets(octets: bytes) -> None:
    with contextlib.suppress(BadReply):
        assert isinstance(parse(octets), dns.message.Message)


def test_records_of_other_names_are_not_read() -> None:
    reply = dns.message.make_response(question("a.example", dns.rdatatype.A, 1, True))
    reply.answer.append(dns.rrset.from_text("b.example.", 60, "IN", "A", "192.0.2.1"))
    found = read(reply, "a.example", dns.rdatatype.A, True)
    assert found.records == ()
    assert found.ttl == 0
