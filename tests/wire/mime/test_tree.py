import time

import pytest

from mailserverd.wire.mime.limits import DEFAULT_LIMITS, MimeLimits
from mailserverd.wire.mime.scan import scan
from mailserverd.wire.mime.tree import Entity, read_tree

MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


def parts(octets: bytes, limits: MimeLimits = DEFAULT_LIMITS) -> list[object]:
    """The content of the leaves, lists for what has parts."""

    def content(entity: Entity) -> object:
        if entity.children:
            return [content(child) for child in entity.children]
        return octets[entity.body_start : entity.end]

    found = content(read_tree(octets, limits)[0])
    return found if isinstance(found, list) else [found]


def test_the_crlf_before_a_boundary_belongs_to_the_boundary() -> None:
    assert parts(MIXED + b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n\r\n--b--\r\n") == [b"one", b"two\r\n"]


def test_preamble_and_epilogue_are_no_parts() -> None:
    assert parts(MIXED + b"before\r\n--b\r\n\r\none\r\n--b--\r\nafter\r\n--b\r\n\r\nno\r\n") == [b"one"]


def test_an_inner_boundary_that_begins_as_an_outer_one_hides_none_between() -> None:
    octets = (
        MIXED + b"--b\r\nContent-Type: multipart/mixed; boundary=zzz\r\n\r\n--zzz\r\n"
        b"Content-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\none\r\n--bb\r\n\r\ntwo\r\n--bb--\r\n"
        b"--zzz\r\n\r\nthree\r\n--zzz--\r\n--b\r\n\r\nfour\r\n--b--\r\n"
    )
    assert parts(octets) == [[[b"one", b"two"], b"three"], b"four"]


def test_bare_line_feeds_and_mixed_ones() -> None:
    octets = MIXED.replace(b"\r\n", b"\n") + b"--b\n\none\n--b\r\n\ntwo\r\n--b--\n"
    assert parts(octets) == [b"one", b"two"]


def test_without_a_final_boundary_the_last_part_goes_on_to_the_end() -> None:
    assert parts(MIXED + b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n") == [b"one", b"two\r\n"]


def test_white_space_after_a_boundary_is_padding() -> None:
    assert parts(MIXED + b"--b \t \r\n\r\none\r\n--b--  \r\nx") == [b"one"]


def test_a_line_that_begins_with_the_boundary_is_one() -> None:
    # RFC 2046 §5.1.1: an exact match of the entire candidate line is not required
    assert parts(MIXED + b"--bcd\r\n\r\none\r\n--b--\r\n") == [b"one"]


def test_a_boundary_only_counts_at_the_begin_of_a_line() -> None:
    assert parts(MIXED + b"--b\r\n\r\none --b\r\n -b\r\n-b\r\n--b--\r\n") == [b"one --b\r\n -b\r\n-b"]


def test_the_body_may_begin_with_the_boundary_and_parts_may_be_empty() -> None:
    assert parts(MIXED + b"--b\r\n--b\r\n\r\n--b\r\nA: b\r\n--b\r\nA: b\r\n\r\n--b--") == [b"", b"", b"", b""]


def test_a_header_cut_by_a_boundary_has_no_body() -> None:
    octets = MIXED + b"--b\r\nContent-Type: text/html\r\n--b\r\n\r\nx\r\n--b--"
    first = read_tree(octets, DEFAULT_LIMITS)[0].children[0]
    assert octets[first.header_start : first.body_start] == b"Content-Type: text/html"
    assert first.facts.subtype == b"html"
    assert parts(octets) == [b"", b"x"]


def nested(outer: bytes, inner: bytes, body: bytes) -> bytes:
    return (
        b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\nContent-Type: multipart/mixed; boundary=%b\r\n\r\n"
        % (outer, outer, inner)
    ) + body


def test_an_outer_boundary_ends_the_inner_parts() -> None:
    octets = nested(b"out", b"in", b"--in\r\n\r\none\r\n--out\r\n\r\ntwo\r\n--in\r\n\r\nstill two\r\n--out--\r\n")
    assert parts(octets) == [[b"one"], b"two\r\n--in\r\n\r\nstill two"]


@pytest.mark.parametrize(("outer", "inner"), [(b"a", b"ab"), (b"ab", b"a"), (b"foobar", b"foo"), (b"x", b"xxxx")])
def test_a_boundary_that_begins_with_another(outer: bytes, inner: bytes) -> None:
    body = b"--%b\r\n\r\none\r\n--%b\r\n\r\ntwo\r\n--%b--\r\n--%b\r\n\r\nthree\r\n--%b--\r\n" % (
        inner,
        inner,
        inner,
        outer,
        outer,
    )
    assert parts(nested(outer, inner, body)) == [[b"one", b"two"], b"three"]


def test_the_same_boundary_inside_is_that_of_the_inner_one() -> None:
    assert parts(nested(b"b", b"b", b"--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--\r\n")) == [[b"one"], b"two"]


def test_an_empty_multipart_shows_one_empty_text() -> None:
    scanned = scan(MIXED + b"nothing here\r\n")
    empty = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)'
    assert scanned.body_structure == b'(%b "mixed" ("boundary" "b") NIL NIL NIL)' % empty


@pytest.mark.parametrize("field", [b"multipart/mixed", b'multipart/mixed; boundary=""', b"multipart/mixed; boundary"])
def test_a_multipart_without_boundary_is_text(field: bytes) -> None:
    # RFC 2045 §5.2: an invalid Content-Type counts as text/plain
    octets = b"Content-Type: " + field + b"\r\n\r\n--\r\n--b\r\nx"
    assert scan(octets).body_structure.startswith(b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 2')


def test_a_digest_holds_messages_unless_a_part_says_otherwise() -> None:
    octets = (
        b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: in\r\n\r\ntext\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n"
    )
    assert parts(octets) == [[b"text"], b"plain"]


def test_beyond_the_depth_a_multipart_is_an_opaque_leaf() -> None:
    octets = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(9))
    tree = read_tree(octets, MimeLimits(depth=4))[0]
    depth = 0
    while tree.children:
        tree, depth = tree.children[0], depth + 1
    assert depth == 4
    assert (tree.facts.media, tree.facts.subtype) == (b"application", b"octet-stream")
    assert tree.end == len(octets)


def test_beyond_the_number_of_parts_the_last_one_holds_the_rest() -> None:
    octets = MIXED + b"--b\r\n\r\nx\r\n" * 10 + b"--b--\r\n"
    found = parts(octets, MimeLimits(parts=5))
    assert found[:3] == [b"x", b"x", b"x"]
    assert len(found) == 4
    assert octets.endswith(found[3] if isinstance(found[3], bytes) else b"?")


def test_headers_of_parts_are_read_within_a_budget() -> None:
    octets = MIXED + b"--b\r\nContent-Type: text/html\r\n\r\nx\r\n" * 9
    tree = read_tree(octets, MimeLimits(part_header_octets=60))[0]
    assert [child.facts.subtype for child in tree.children].count(b"html") == 2


HOSTILE = {
    "parts": MIXED + b"--b\r\n\r\nx\r\n" * 100_000,
    "boundary lines": MIXED + b"--b\r\n" * 100_000,
    "almost boundaries": MIXED + b"--a\r\n" * 200_000,
    "same boundary nested": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 4_000,
    "boundaries nested": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(4_000)
    ),
    "inner boundaries that never come": MIXED + b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" * 20_000,
    "messages nested": b"Content-Type: message/rfc822\r\n\r\n" * 64 + b"\n" * 1_000_000,
    "fields": b"X: y\r\n" * 200_000,
    "one line": b"Subject: " + b"x" * 1_000_000,
    "folds": b"Subject: x\r\n" + b" y\r\n" * 200_000,
    "addresses": b"To: " + b"a@b,\r\n " * 60_000,
    "brackets": b"To: " + b"(" * 250_000,
    "quotes": b'To: "' + b'\\"' * 100_000,
    "angles": b"To: " + b"<" * 250_000,
    "dots": b"To: " + b"a." * 100_000,
    "spaces": b"To: a" + b" " * 250_000 + b"(",
    "parameters": b"Content-Type: text/plain" + b";a=b" * 60_000,
    "semicolons": b"Content-Type: text/plain" + b";" * 250_000,
    "no parameters": b"Content-Type: text/plain;" + b"a " * 100_000,
    "comments": b"Content-Type: text/plain;" + b"(" * 250_000,
    "pieces": b"Content-Type: text/plain" + b"".join(b";name*%d*=%%41" % n for n in range(15_000)),
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 15_000,
    "broken words": b"Subject: " + b"=?utf-8?q?" * 20_000,
    "blobs": b"Subject: " + b"[a]" * 80_000,
    "replies": b"Subject: " + b"re:" * 80_000,
    "ids": b"References: " + b"<" * 250_000,
    "spaced id": b"References: <" + b" " * 250_000,
    "date": b"Date: " + b"(" * 250_000,
    "spaced date": b"Date: 1 jan 2000 1:1" + b" " * 250_000 + b"x",
    "languages": b"Content-Language: " + b"a," * 100_000,
    "tags": b"Content-Type: text/html\r\n\r\n" + b"<" * 500_000,
    "scripts": b"Content-Type: text/html\r\n\r\n" + b"<script " * 100_000,
    "remarks": b"Content-Type: text/html\r\n\r\n" + b"<!--" * 100_000,
    "line ends": b"\n" * 1_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_message_takes_long(name: str) -> None:
    """A hundred times what it takes here, and a thousandth of what quadratic work would."""
    octets = HOSTILE[name]
    started = time.process_time()
    scanned = scan(octets)
    assert time.process_time() - started < 3
    assert scanned.body_start <= len(octets)
