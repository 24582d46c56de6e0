import pytest

from mailserverd.mailstore.read import Range, cut, header_fields, locate, pages, whole
from mailserverd.mailstore.sections import SectionKind
from mailserverd.model.message import Fields
from mailserverd.wire.mime.headers import compile_fields
from mailserverd.wire.mime.parts import ENTRY
from mailserverd.wire.mime.structure import LEAF, MESSAGE, MULTIPART
from tests.mailstore.memory_mail import Kept, MemoryMail, drive, plain_message

OUTER = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
FIRST = b"Content-Type: text/plain\r\n\r\n"
SECOND = b"Content-Type: message/rfc822\r\n\r\n"
INNER = b"Subject: inner\r\nTo: a@b.c\r\n\r\n"
OCTETS = OUTER + b"--x\r\n" + FIRST + b"one\r\n--x\r\n" + SECOND + INNER + b"two\r\n--x--\r\n"


def entry(kind, first, count, header, body, end):
    return ENTRY.pack(kind, first, count, header, body, end)


def spot(piece):
    return OCTETS.index(piece)


PART_MAP = (
    entry(MULTIPART, 1, 2, 0, len(OUTER), len(OCTETS))
    + entry(LEAF, 0, 0, spot(FIRST), spot(b"one"), spot(b"one") + 3)
    + entry(MESSAGE, 3, 1, spot(SECOND), spot(INNER), spot(b"two") + 3)
    + entry(LEAF, 0, 0, spot(INNER), spot(b"two"), spot(b"two") + 3)
)


def stored(octets=OCTETS, part_map=PART_MAP):
    mail = MemoryMail()
    uid = mail.add(octets)
    kept = mail.kept[1][uid]
    mail.kept[1][uid] = Kept(plain_message(octets)._replace(part_map=part_map), kept.email_id, 0, 0)
    want = Fields.OCTETS | Fields.PARTS | Fields.HEADER
    return mail, drive(mail.rows(1, [(1, 1)], want, 1)).rows[0]


@pytest.mark.parametrize(
    ("path", "kind", "octets"),
    [
        ((), SectionKind.WHOLE, OCTETS),
        ((), SectionKind.TEXT, OCTETS[len(OUTER) :]),
        ((1,), SectionKind.WHOLE, b"one"),
        ((1,), SectionKind.MIME, FIRST),
        ((2,), SectionKind.WHOLE, INNER + b"two"),
        ((2,), SectionKind.HEADER, INNER),
        ((2,), SectionKind.TEXT, b"two"),
        ((2, 1), SectionKind.WHOLE, b"two"),
        ((2,), SectionKind.MIME, SECOND),
    ],
)
def test_a_section_is_a_range(path, kind, octets):
    _, row = stored()
    found = locate(row, path, kind, None)
    assert row.octets[found.start : found.stop] == octets


@pytest.mark.parametrize(
    ("path", "kind"), [((3,), SectionKind.WHOLE), ((1,), SectionKind.HEADER), ((1, 1), SectionKind.TEXT)]
)
def test_a_part_that_is_not_there(path, kind):
    assert locate(stored()[1], path, kind, None) is None


def test_the_header_of_the_message_is_kept_apart():
    _, row = stored()
    assert locate(row, (), SectionKind.HEADER, None) == OUTER
    assert locate(row, (), SectionKind.HEADER, compile_fields([b"To"])) == b"\r\n"


async def others():
    """Nobody else wants a turn."""


def test_fields_of_an_inner_header():
    mail, row = stored()
    where = locate(row, (2,), SectionKind.HEADER, compile_fields([b"to"]))
    assert drive(header_fields(mail, row, where, others)) == b"To: a@b.c\r\n\r\n"
    assert drive(header_fields(mail, row._replace(octets=None), where, others)) == b"To: a@b.c\r\n\r\n"


@pytest.mark.parametrize(
    ("partial", "octets", "found"),
    [
        (None, b"0123", Range(10, 14)),
        ((1, 2), b"12", Range(11, 13)),
        ((2, 9), b"23", Range(12, 14)),
        ((4, 1), b"", Range(14, 14)),
        ((99, 1), b"", Range(14, 14)),
    ],
)
def test_partials(partial, octets, found):
    assert cut(b"0123", partial) == octets
    assert cut(Range(10, 14), partial) == found


async def gathered(iterator):
    return [one async for one in iterator]


def test_a_large_message_comes_in_bounded_pieces_and_whole():
    octets = OUTER + bytes(range(256)) * 4000
    mail, row = stored(octets, b"")
    assert row.octets is None
    pieces = drive(gathered(whole(mail, row)))
    assert b"".join(pieces) == octets
    assert max(map(len, pieces)) <= 262_144


def test_pages_go_on_where_the_store_stopped():
    mail = MemoryMail()
    for _ in range(10):
        mail.add(OCTETS)
    mail.largest_page = 3
    found = drive(gathered(pages(mail, 1, [(1, 4), (6, 9)], Fields.META, 5)))
    assert [[row.uid for row in page] for page in found] == [[1, 2, 3], [4, 6, 7], [8, 9]]
