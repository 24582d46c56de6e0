"""Other projects' vectors: trees, offsets, decoded content, header fields. Differences are listed with their reason."""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

from mailserverd.wire.mime.addresses import parse_addresses
from mailserverd.wire.mime.bodies import body_of
from mailserverd.wire.mime.content import decode_octets
from mailserverd.wire.mime.dates import days_since_epoch, parse_date
from mailserverd.wire.mime.decode import decode_header, decode_parameter
from mailserverd.wire.mime.fields import parse_content_type
from mailserverd.wire.mime.limits import DEFAULT_LIMITS
from mailserverd.wire.mime.message_ids import message_id
from mailserverd.wire.mime.scan import scan
from mailserverd.wire.mime.structure import LEAF
from mailserverd.wire.mime.tree import Entity, read_tree
from tests.wire.mime.vectors import data, read_list

Tree = tuple[str, int, int, int, list[Any]]


def ours(entity: Entity) -> Tree:
    kind = ("leaf", "Multipart", "Message")[entity.facts.kind]
    return kind, entity.header_start, entity.body_start, entity.end, [ours(child) for child in entity.children]


def stalwart_tree(message: dict[str, Any], index: int = 0) -> Tree:
    part = message["parts"][index]
    kind, content = next(iter(part["body"].items()))
    offsets = part["offset_header"], part["offset_body"], part["offset_end"]
    if kind == "Multipart":
        return kind, *offsets, [stalwart_tree(message, child) for child in content]
    if kind == "Message":
        return kind, *offsets, [stalwart_tree(content)]
    return "leaf", *offsets, []


STALWART_DIFFERS = {
    "malformed/000": "boundary lines within part headers: RFC 2046 §5.1.1 a line that begins with the boundary is one",
    "malformed/002": "a multipart without any boundary line stays one; the reference makes it text",
    "malformed/004": "a header begins after the boundary line, its CRLF is not skipped: RFC 2046 §5.1.1 body-part",
    "malformed/008": "RFC 2046 §5.1.1: --ab ends a part of boundary a that lies in one of boundary ab",
    "malformed/012": "RFC 2046 §5.1.2: the outer boundary ends the inner multipart, and the outer one goes on",
    "malformed/014": "as malformed/008",
    "malformed/016": "as malformed/008, three deep",
    "malformed/020": "two Content-Type in one part: the first counts here, the last there; RFC 2045 allows neither",
    "malformed/022": "a message/rfc822 part holds a message whatever it looks like: RFC 2046 §5.2.1",
    "rfc/008": "a base64 message/rfc822 (RFC 2046 §5.2.1 forbids it) is not decoded: offsets are into the message",
}


def test_stalwart_trees_and_offsets() -> None:
    folder = data("mime/stalwart/eml")
    differing, count = set(), 0
    for path in sorted(folder.glob("*/*.eml")):
        octets = path.read_bytes().replace(b"\r\n", b"\n")
        for suffix, message in ((".json", octets), (".crlf.json", octets.replace(b"\n", b"\r\n"))):
            expected = json.loads(path.with_suffix(suffix).read_text())
            count += 1
            if ours(read_tree(message, DEFAULT_LIMITS)[0]) != stalwart_tree(expected):
                differing.add(f"{path.parent.name}/{path.stem}")
    assert count == 108
    assert differing == set(STALWART_DIFFERS)


def mime4j_leaves(node: ElementTree.Element, number: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], str | None]]:
    for tag in ("text-body", "binary-body"):
        found = node.find(tag)
        if found is not None:
            yield number, found.get("name")
    multipart, message = node.find("multipart"), node.find("message")
    if multipart is not None:
        for place, part in enumerate(multipart.findall("body-part"), 1):
            yield from mime4j_leaves(part, (*number, place))
    if message is not None:
        yield from mime4j_leaves(message, (*number, 1))


def our_leaves(entity: Entity, octets: bytes, number: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], bytes]]:
    if entity.facts.kind == LEAF:
        yield number, decode_octets(octets[entity.body_start : entity.end], entity.facts.encoding)
    for place, child in enumerate(entity.children, 1):
        yield from our_leaves(child, octets, (*number, place))


MIME4J_DIFFERS = {
    "empty-preamble": "the reference puts CRLF for LF into what it decodes",
    "multi-2gifs-base64": "a base64 message/rfc822 (RFC 2046 §5.2.1 forbids it) is not decoded",
    "base64encoded-rfc822message-nested": "as multi-2gifs-base64",
    "very-very-long-boundary": "RFC 2046 §5.1.1: a boundary does not end with a space, so spaces there are padding",
    "malformedHeaderStartsBody-nocrlfcrlf": "RFC 5322 §2.1: an empty line ends the header, a strange line does not",
}


def test_mime4j_trees_and_decoded_content() -> None:
    folder = data("mime/mime4j")
    differing, count = set(), 0
    for path in sorted(folder.glob("*/*.msg")):
        octets = path.read_bytes()
        root = ElementTree.parse(path.with_name(path.stem + "_decoded.xml")).getroot()
        expected = [(number, (path.parent / str(name)).read_bytes()) for number, name in mime4j_leaves(root, ())]
        tree = read_tree(octets, DEFAULT_LIMITS)[0]
        count += 1
        if list(our_leaves(tree, octets, ())) != expected:
            differing.add(path.stem)
    assert count == 40
    assert differing == set(MIME4J_DIFFERS)


def test_dovecot_bodies_and_envelopes() -> None:
    vectors = json.loads(data("imap-expected/dovecot-lib-imap-half.json").read_text())
    for vector in vectors["bodystructure"]:
        message = vector["message"].replace("\n", "\r\n").encode()
        structure = scan(message).body_structure
        assert structure == b"(%b)" % vector["bodystructure"].encode()
        assert body_of(structure) == b"(%b)" % vector["body"].encode()
    for vector in vectors["envelope"]:
        envelope = scan(vector["message"].replace("\n", "\r\n").encode()).envelope
        assert envelope == b"(%b)" % vector["envelope"].encode()
    assert len(vectors["bodystructure"]) == 4
    assert len(vectors["envelope"]) == 3


def vectors_of(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(data(f"mime/stalwart/{name}.json").read_text())
    return found


def moment(expected: dict[str, Any]) -> int:
    zone = (expected["tz_hour"] * 60 + expected["tz_minute"]) * (-1 if expected["tz_before_gmt"] else 1)
    midnight = days_since_epoch(expected["year"], expected["month"], expected["day"]) * 86_400
    return int(midnight + expected["hour"] * 3600 + expected["minute"] * 60 + expected["second"] - zone * 60)


DATES_DIFFER = {
    "20 11 (some \n 44 comments(more comments\n )) 79 05:34:27 -0300": "RFC 5322 §3.3: a month is a name",
    " 4 8 15 16 23 42, 4 8 15 16 23 42, 4 8 15 16 23 42, ": "RFC 5322 §3.3: a month is a name",
    "Tue, 1 Jul 2003 ((invalid)\ncomment) 10:52:37 +0200": "the day can be read, and SENTON wants it",
    "by 2002:aa7:cd10:0:b0:45c:2c83:1208 with SMTP id b16-20020aa7cd10000000b0045c2c831208mr4220805edw.81."
    "1665423075119;\n\tMon, 10 Oct 2022 10:31:15 -0700 (PDT)": "a Received field is no Date field",
}


def test_dates() -> None:
    differing = set()
    for vector in vectors_of("date"):
        expected = vector["expected"]
        found = parse_date(vector["header"].encode())
        if (None if found is None else found.epoch) != (moment(expected) if expected else None):
            differing.add(vector["header"])
    assert differing == set(DATES_DIFFER)


def test_unstructured_text_is_the_same_but_for_white_space() -> None:
    differing = set()
    for vector in vectors_of("unstructured"):
        found = decode_header(vector["header"].encode())
        if " ".join(found.split()) != " ".join(vector["expected"].split()):
            differing.add(vector["header"])
    # An encoded word that touches the text before it: RFC 2047 §5 forbids that, and it is decoded in its place.
    assert differing == {"[SUSPECTED SPAM]=?utf-8?B?VGhpcyBpcyB0aGUgb\r\n 3JpZ2luYWwgc3ViamVjdA==?=\r\n"}


def test_message_ids() -> None:
    differing = set()
    for vector in vectors_of("id"):
        first = vector["expected"][0].encode()
        if message_id(vector["header"].encode()) != first:
            differing.add(vector["header"])
    # Obsolete white space inside is taken out (RFC 5322 §4.5.4); a word without @ is no id (§3.6.4).
    assert differing == {"<1234   @   local(blah)  .machine .example>\n", "   m \n"}


NO_TYPE = 'no type "/" subtype: RFC 2045 §5.2, the default counts'
CONTENT_TYPES_DIFFER = {
    "inline\n": NO_TYPE,
    ' inline; filename="  best \\"file\\" ever with \\\\ escaped \' stuff.  "\n': NO_TYPE,
    "/invalid\n": NO_TYPE,
    ";\n": NO_TYPE,
    "name=value\n": NO_TYPE,
    ";charset=us-ascii\n": NO_TYPE,
    "/\n": NO_TYPE,
    "/ ;charset=us-ascii\n": NO_TYPE,
    "text/;charset=us-ascii\n": NO_TYPE,
    "/plain\n": NO_TYPE,
    "/plain ;charset=us-ascii\n": NO_TYPE,
    "text/plain/format\n": "RFC 2045 §5.1: a subtype is a token, what follows it is no part of it",
    "text/plain/format ;charset=us-ascii\n": "as above",
    "application/x-stuff\n   title*0*=us-ascii'en'This%20is%20even%20more%20\n   title*1*=%2A%2A%2Afun%2A%2A%2A%20\n"
    '   title*2="isn\'t it!"\n': "RFC 2045 §5.1: parameters are separated by semicolons",
    'image/jpeg;\n   name="=?iso-8859-1?B?4Q==?= =?utf-8?B?w6k=?= =?iso-8859-1?q?=ED?=.jpeg"\n': "RFC 2047 §6.2: "
    "white space between encoded words is not shown",
    "á/é; á=é\n": "RFC 2045 §5.1: tokens are ASCII; the octets stay what they are",
    'inva/lid; name="   \n    \n': "a quoted string that never ends keeps its last line end",
}


def test_content_types() -> None:
    differing = set()
    for vector in vectors_of("content_type"):
        parsed = parse_content_type(vector["header"].encode())
        expected = vector["expected"]
        if parsed is None:
            differing.add(vector["header"])
            continue
        values = {}
        for name, _ in parsed[2]:
            plain = name.lower().split(b"*")[0]
            values[plain.decode("latin-1")] = decode_parameter(parsed[2], plain)
        theirs = {
            name.rstrip("*"): value for name, value in expected.get("attributes") or [] if not name.endswith("-charset")
        }
        media = (parsed[0] + b"/" + parsed[1]).decode("latin-1").lower()
        if media != f"{expected['c_type']}/{expected['c_subtype']}" or values != theirs:
            differing.add(vector["header"])
    assert differing == set(CONTENT_TYPES_DIFFER)


ADDRESSES_DIFFER = {
    "John Doe <jdoe@machine(comment).  example>\n": "RFC 5322 §4.4: white space around the dots of a domain is no part",
    "test@test.com\ninvalid@address.com\n": "a line end without white space after it cannot stand in a field at all",
    "NO (posting not allowed on this list)\n": "RFC 9051 §7.5.2: NIL host means a group, so a host is put",
    "<http://www.host.com/list/>, <mailto:list-info@host.com>\n": "as above",
    "<http://www.host.com/list.cgi?cmd=unsub&lst=list>,\n   <mailto:list-request@host.com?subject=unsubscribe>\n": "as "
    "above",
}


def test_addresses() -> None:
    differing = set()
    for vector in vectors_of("address"):
        expected = vector["expected"] or {}
        lists = (
            [expected["List"]] if "List" in expected else [group["addresses"] for group in expected.get("Group", [])]
        )
        theirs = [entry["address"] for entries in lists for entry in entries if entry["address"]]
        found = parse_addresses(vector["header"].encode())
        addresses = [
            f"{mailbox.decode()}@{host.decode()}" for _, _, mailbox, host in found if mailbox is not None and host
        ]
        if addresses != theirs:
            differing.add(vector["header"])
    assert differing == set(ADDRESSES_DIFFER)


def test_the_readers_of_the_vectors_read() -> None:
    assert read_list(b'(NIL "a\\"b" {3}\r\nx"y (1))')[0] == [None, b'a"b', b'x"y', [b"1"]]
