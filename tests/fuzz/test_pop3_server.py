"""Whatever comes, however it is cut: no exception, every line answered, every octet of a message given back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.pop3.command import parse_command, parse_number, parse_two_numbers
from mailserverd.wire.pop3.reply import Stuffing, message
from tests.pop3.stage import Stage

FEW = settings(max_examples=150, deadline=None)
EDGY = st.lists(st.sampled_from([b".", b"\r\n", b"\r", b"\n", b"x", b"..", b"\r\n.\r\n", b"\0"]), max_size=30).map(
    b"".join
)
VERBS = st.sampled_from(
    [
        b"CAPA",
        b"STAT",
        b"LIST",
        b"UIDL",
        b"RETR",
        b"TOP",
        b"DELE",
        b"RSET",
        b"NOOP",
        b"USER user",
        b"PASS correct horse",
        b"AUTH",
        b"AUTH PLAIN",
        b"*",
        b"UTF8",
        b"APOP",
        b"LAST",
        b"XYZ",
        b"",
    ]
)
ARGUMENTS = st.sampled_from([b"", b" 1", b" 2", b" 1 1", b" 0", b" -1", b" 999999999999", b" x", b"  "])
LINES = st.one_of(st.tuples(VERBS, ARGUMENTS).map(b"".join), st.binary(max_size=40).filter(lambda b: b"\n" not in b))


@FEW
@given(EDGY, st.lists(st.integers(1, 20), min_size=1))
def test_stuffing_however_it_is_cut(octets, cuts):
    stuffing, pieces, start, turn = Stuffing(), [], 0, 0
    while start < len(octets):
        stop = start + cuts[turn % len(cuts)]
        pieces.append(stuffing.piece(octets[start:stop]))
        start, turn = stop, turn + 1
    assert b"+OK %d octets\r\n" % len(octets) + b"".join(pieces) + stuffing.end() == message(octets)


@FEW
@given(EDGY)
def test_a_client_gets_every_octet(octets):
    body = message(octets).partition(b"\r\n")[2]
    end = body.find(b"\r\n.\r\n") if not body.startswith(b".\r\n") else -2
    assert end + 5 == len(body)  # the first end is the end
    taken = b"\r\n" + body[: end + 2]
    whole = taken.replace(b"\r\n.", b"\r\n")[2:]
    assert whole in (octets, octets + b"\r\n")


@FEW
@given(st.binary(max_size=100))
def test_parsers_never_raise(line):
    command = parse_command(line)
    assert isinstance(command.argument, bytes)
    parse_two_numbers(line)
    number = parse_number(line)
    assert number is None or 0 <= number < 10**10


@settings(max_examples=60, deadline=None)
@given(st.booleans(), st.lists(LINES, max_size=12), st.integers(1, 50))
def test_conversations(logged_in, lines, size):
    stage = Stage(max_bad_commands=100)
    stage.mail.add(b"Subject: one\r\n\r\n.body\r\n")
    client = stage.logged_in() if logged_in else stage.client()
    client.take()
    octets = b"".join(line + b"\r\n" for line in lines)
    for start in range(0, len(octets), size):
        client.server.dataReceived(octets[start : start + size])
    stage.clock.advance(10)
    assert not client.transport.aborted
    answers = client.take()
    assert answers.count(b"+OK") + answers.count(b"-ERR") + answers.count(b"+ ") >= min(len(lines), 1)
    client.lose()
    assert stage.doors.inside == 0
    assert not stage.services.locks._held
