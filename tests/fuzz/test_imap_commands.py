"""Whatever the octets, a parser of commands raises nothing but BadSyntax, and the engine answers every command."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.model.number_ranges import ranges_of
from mailserverd.wire.imap import encode, modified_utf7
from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.dates import parse_date_time
from mailserverd.wire.imap.patterns import compile_pattern, matches
from mailserverd.wire.imap.sequence_set import format_numbers, parse_set, resolve
from mailserverd.wire.imap.syntax_error import BadSyntax
from mailserverd.wire.imap.verbs import UID_VERBS, VERBS
from tests.imap.engine import Engine
from tests.wire.imap.slow_dates import format_date_time

quick = settings(max_examples=150, deadline=None)
words = st.sampled_from(
    b'1:*|(FLAGS UID)|BODY[1.2.MIME]<0.5>|BODY.PEEK[HEADER.FIELDS (From)]|"a b"|{3+}\r\nabc|{9}\r\nx|NIL|(|)|INBOX|'
    b"&AOk-|+FLAGS.SILENT|(\\Seen $x)|\\Recent|RETURN|(MIN ALL)|CHARSET|UTF-8|OR|NOT|SINCE|1-Feb-2024|HEADER|\xff|%|*|"
    b"(SUBSCRIBED)|(CHANGEDSINCE 5)|(UNCHANGEDSINCE 0)|{5}|MODSEQ|99999999999|0|,|ALL".split(b"|")
)
arguments = st.lists(words | st.binary(max_size=12), max_size=8).map(
    lambda parts: b"".join(b" " + each for each in parts)
)
verbs = st.sampled_from([*VERBS.values(), *UID_VERBS.values()])


@quick
@given(verbs, arguments)
def test_nothing_but_bad_syntax_escapes(verb, text):
    try:
        value = verb.parse(Cursor(text))
    except BadSyntax:
        return
    assert value == verb.parse(Cursor(text))


@quick
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_mailbox_names_round_trip(name):
    octets = modified_utf7.encode(name)
    assert octets.isascii()
    assert modified_utf7.decode(octets) == name
    assert Cursor(encode.astring(octets)).astring() == octets or b"\0" in octets


@quick
@given(st.binary(max_size=40))
def test_strings_round_trip(octets):
    if b"\0" not in octets:
        assert Cursor(encode.string(octets)).string() == octets
        assert Cursor(encode.astring(octets)).astring() == octets


@quick
@given(st.sets(st.integers(1, 2**32 - 1), min_size=1, max_size=30))
def test_sets_round_trip(numbers):
    ordered = sorted(numbers)
    assert resolve(parse_set(format_numbers(ordered)), ordered[-1]) == ranges_of(ordered)


@quick
@given(st.integers(-60_000_000_000, 200_000_000_000), st.integers(-1439, 1439))
def test_date_times_round_trip(seconds, offset):
    assert parse_date_time(format_date_time(seconds, offset)[1:-1]) == (seconds, offset)


@quick
@given(st.text("ab/*%", max_size=8), st.text("ab/", max_size=8))
def test_patterns_match_as_the_definition_says(pattern, name):
    def slow(pattern, name):
        if not pattern:
            return not name
        if pattern[0] in "*%":
            stop = name.find("/") if pattern[0] == "%" and "/" in name else len(name)
            return any(slow(pattern[1:], name[i:]) for i in range(stop + 1))
        return bool(name) and name[0] == pattern[0] and slow(pattern[1:], name[1:])

    assert matches(compile_pattern(pattern), name) == slow(pattern, name)


@settings(max_examples=60, deadline=None)
@given(verbs.filter(lambda verb: verb.name not in ("IDLE", "LOGOUT", "AUTHENTICATE", "STARTTLS")), arguments, st.data())
def test_every_chunking_gives_the_same_answer(verb, text, data):
    sent = b"a " + verb.name.encode() + text + b"\r\nb NOOP\r\n"
    whole, parts = Engine(), Engine()
    first = whole.say(b"s SELECT INBOX\r\n" + sent)
    second = parts.say(b"s SELECT INBOX\r\n")
    at = 0
    while at < len(sent):
        size = data.draw(st.integers(1, 20))
        second += parts.say(sent[at : at + size])
        at += size
    assert first == second
    assert b"SERVERBUG" not in first
