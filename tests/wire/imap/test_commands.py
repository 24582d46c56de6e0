"""Commands as values: what is read, and what is refused."""

import pytest

from mailserverd.model import search_query as query
from mailserverd.wire.imap.command.append import Append
from mailserverd.wire.imap.command.fetch import Fetch
from mailserverd.wire.imap.command.list import Selection, Wanted
from mailserverd.wire.imap.command.store import Store
from mailserverd.wire.imap.cursor import Cursor
from mailserverd.wire.imap.fetch_items import Item, Part
from mailserverd.wire.imap.search_keys import AllOf, AnyOf, Negation, Numbers, Recent
from mailserverd.wire.imap.sequence_set import STAR, SequenceSet, resolve
from mailserverd.wire.imap.syntax_error import BadCharset, BadName, BadSyntax
from mailserverd.wire.imap.verbs import UID_VERBS, VERBS


def parsed(line):
    verb, _, rest = line.partition(b" ")
    verbs = VERBS
    if verb == b"UID":
        verbs, (verb, _, rest) = UID_VERBS, rest.partition(b" ")
    return verbs[verb].parse(Cursor(b" " + rest if rest else b""))


def test_fetch():
    assert parsed(b"FETCH 1 FAST") == Fetch(SequenceSet(((1, 1),)), (Item.FLAGS, Item.INTERNALDATE, Item.RFC822_SIZE))
    first = parsed(b"UID FETCH 1,4:* (UID FLAGS) (CHANGEDSINCE 7)")
    assert first.ids.ranges == ((1, 1), (4, STAR))
    assert (first.changed_since, first.uid) == (7, True)
    assert parsed(b"FETCH 9 (UID FLAGS)").items is parsed(b"FETCH 8 (UID FLAGS)").items
    section = parsed(b'FETCH 1 BODY.PEEK[1.2.HEADER.FIELDS.NOT (To "X Y")]<3.10>').items[0]
    assert (section.path, section.part, section.fields) == ((1, 2), Part.HEADER_FIELDS_NOT, (b"To", b"X Y"))
    assert (section.peek, section.partial) == (True, (3, 10))
    assert section.label == b'BODY[1.2.HEADER.FIELDS.NOT (To "X Y")]<3>'
    assert parsed(b"FETCH 1 RFC822.TEXT").items[0].label == b"RFC822.TEXT"
    assert parsed(b"FETCH 1 BODY").items == (Item.BODY,)


def test_store():
    assert parsed(b"UID STORE 5 -FLAGS.SILENT \\seen x") == Store(
        SequenceSet(((5, 5),)), "remove", True, ("\\Seen", "x"), uid=True
    )
    assert parsed(b"STORE 5 (UNCHANGEDSINCE 0) FLAGS ()").unchanged_since == 0


def test_search():
    search = parsed(b'SEARCH RETURN () CHARSET utf-8 OR NEW NOT (2 SEEN) SUBJECT "\xc3\xa9" ON 1-Feb-2024')
    unseen = query.HasFlags(("\\Seen",), False)
    assert search.returns == {b"ALL"}
    assert search.key == AllOf(
        (
            AnyOf(
                (
                    AllOf((Recent(), unseen)),
                    Negation(AllOf((Numbers(SequenceSet(((2, 2),))), query.HasFlags(("\\Seen",))))),
                )
            ),
            query.HeaderHas("Subject", "é"),
            query.InternalDateIn(1706745600, 1706832000),
        )
    )
    with pytest.raises(BadCharset):
        parsed(b"SEARCH CHARSET klingon ALL")
    assert parsed(b"SEARCH EMAILID nonsense").key == Negation(query.Everything())


def test_list():
    plain = parsed(b'LIST "" %')
    assert (plain.patterns, plain.extended) == (("%",), False)
    full = parsed(b'LIST (SUBSCRIBED RECURSIVEMATCH) "" (a* b) RETURN (CHILDREN STATUS (MESSAGES))')
    assert full.select == {Selection.SUBSCRIBED, Selection.RECURSIVEMATCH}
    assert full.wanted == {Wanted.CHILDREN}
    assert full.extended


def test_append():
    assert parsed(b'APPEND "in&box" (\\Draft) {5+}'.replace(b"&", b"")) == Append("INBOX", ("\\Draft",), None, 5)
    assert parsed(b'APPEND x "01-Feb-2024 00:00:00 +0130" {5}').internal_date == (1706740200, 90)


@pytest.mark.parametrize(
    "line",
    [
        b"NOOP x",
        b"FETCH 0 FLAGS",
        b"FETCH 1:2: FLAGS",
        b"FETCH 4294967296 FLAGS",
        b"FETCH 1 (FLAGS",
        b"FETCH 1 ()",
        b"FETCH 1 BODY[MIME]",
        b"FETCH 1 BODY[1.]",
        b"FETCH 1 BODY[0]",
        b"FETCH 1 BODY[]<0.0>",
        b"FETCH 1 BOGUS",
        b"FETCH 1\tFLAGS",
        b"FETCH 1 (FLAGSUID",
        b"FETCH 1 FLAGS(CHANGEDSINCE 1)",
        b"SEARCH (ALL)SEEN",
        b"STATUS x( MESSAGES)",
        b"STORE 1 FLAGS \\Recent",
        b"STORE 1 *FLAGS (x)",
        b"SEARCH",
        b"SEARCH " + b"NOT " * 60 + b"ALL",
        b"SEARCH ON 31-Feb-2024",
        b"LIST (RECURSIVEMATCH) x y",
        b"STATUS x ()",
        b"STATUS x (BOGUS)",
        b'APPEND x " 1-Foo-2024 00:00:00 +0000" {5}',
        b"APPEND x {-5}",
        b"LOGIN u",
        b"ID (x)",
    ],
)
def test_bad_syntax(line):
    with pytest.raises(BadSyntax):
        parsed(line)


@pytest.mark.parametrize(
    ("spaced", "plain"),
    [
        (b"FETCH  1   ( FLAGS  UID )  ( CHANGEDSINCE  5 )", b"FETCH 1 (FLAGS UID) (CHANGEDSINCE 5)"),
        (b"FETCH 1 BODY[HEADER.FIELDS  ( To  Cc )]", b"FETCH 1 BODY[HEADER.FIELDS (To Cc)]"),
        (b"STORE 1  +FLAGS  ( \\Seen  x )", b"STORE 1 +FLAGS (\\Seen x)"),
        (b"STORE 1 ( UNCHANGEDSINCE 5 )  FLAGS \\Seen  x", b"STORE 1 (UNCHANGEDSINCE 5) FLAGS \\Seen x"),
        (b"STORE 1 FLAGS ( )", b"STORE 1 FLAGS ()"),
        (
            b"SEARCH RETURN ( MIN  MAX )  OR ( FROM o  SEEN )  NOT  ALL",
            b"SEARCH RETURN (MIN MAX) OR (FROM o SEEN) NOT ALL",
        ),
        (b'LIST ( SUBSCRIBED )  ""  ( a  b )  RETURN ( CHILDREN )', b'LIST (SUBSCRIBED) "" (a b) RETURN (CHILDREN)'),
        (b"SELECT x  ( CONDSTORE )", b"SELECT x (CONDSTORE)"),
        (b"STATUS x  ( MESSAGES  UNSEEN )", b"STATUS x (MESSAGES UNSEEN)"),
        (b'ID ( "a"  "b" )', b'ID ("a" "b")'),
    ],
)
def test_more_spaces_than_needed_mean_the_same(spaced, plain):
    assert parsed(spaced) == parsed(plain)


def test_names():
    assert parsed(b"CREATE Entw&APw-rfe").mailbox == "Entwürfe"
    assert parsed(b"CREATE iNbOx/a").mailbox == "INBOX/a"
    for bad in (b"&", b"a&b", b"&AGE-", b"&AOk", b"\xff\xfe"):
        with pytest.raises(BadName):
            parsed(b'CREATE "' + bad + b'"')


def test_star_is_the_largest():
    assert resolve(SequenceSet(((5, STAR),)), 3) == [(3, 5)]
    assert resolve(SequenceSet(((STAR, STAR), (1, 2), (2, 4))), 9) == [(1, 4), (9, 9)]
