"""6,229 real messages against what a reference server (Dovecot 2.3.19) answered. Where the two differ the RFC decides.

Compared without regard to case are only values that RFC 2045 §5.1, §6.1 and RFC 2046 §4.1.2 call so: media type,
subtype, encoding, parameter names and charset, which the reference rewrites when a message is plain us-ascii text.
"""

import pytest

from mailserverd.wire.mime.headers import index_header
from mailserverd.wire.mime.scan import scan
from tests.wire.mime.oracle_differences import (
    BROKEN_ADDRESSES,
    ID_WHITE_SPACE,
    QUOTED_NAME_WHITE_SPACE,
    SUBJECT_WHITE_SPACE,
)
from tests.wire.mime.vectors import MBOXES, Item, mbox, oracle, read_list

SUBJECT, ADDRESSES = 1, slice(2, 8)
EXPECTED = {
    "spamassassin-easy-ham-1-ham": 2500,
    "spamassassin-hard-ham-1-ham": 250,
    "spamassassin-spam-1-spam": 500,
    "openbmc-list-subset": 2979,
}


def squeezed(item: Item) -> Item:
    """With white space as the reference has it."""
    if isinstance(item, list):
        return [squeezed(inner) for inner in item]
    return None if item is None else b" ".join(item.split())


def comparable(body: Item) -> Item:
    """A body structure with what is case-insensitive in lower case."""
    assert isinstance(body, list)
    parts = 0
    while isinstance(body[parts], list):
        parts += 1
    if parts:
        subtype, *rest = body[parts:]
        return [*(comparable(part) for part in body[:parts]), lowered(subtype), *rest]
    media, subtype, parameters, content_id, description, encoding, *rest = body
    if lowered(media) == b"message" and lowered(subtype) == b"rfc822":
        size, envelope, inner, *rest = rest
        rest = [size, squeezed(envelope), comparable(inner), *rest]
    return [
        lowered(media),
        lowered(subtype),
        _parameters(parameters),
        content_id,
        description,
        lowered(encoding),
        *rest,
    ]


def _parameters(parameters: Item) -> Item:
    if not isinstance(parameters, list):
        return parameters
    names, values = parameters[::2], parameters[1::2]
    return [
        [lowered(name), lowered(value) if lowered(name) == b"charset" else value]
        for name, value in zip(names, values, strict=True)
    ]


def lowered(item: Item) -> bytes:
    assert isinstance(item, bytes)
    return item.lower()


@pytest.mark.parametrize("name", MBOXES)
def test_size_envelope_and_body_structure_of_every_message(name: str) -> None:
    messages = mbox(name)
    subjects, names, ids, broken, structures = [], [], [], [], []
    number = 0
    for number, (message, answer) in enumerate(zip(messages, oracle(name), strict=True), 1):
        assert answer[b"RFC822.SIZE"] == b"%d" % len(message)
        scanned = scan(message)
        envelope, end = read_list(scanned.envelope)
        assert end == len(scanned.envelope)
        theirs = answer[b"ENVELOPE"]
        assert isinstance(envelope, list)
        assert isinstance(theirs, list)
        if envelope[ADDRESSES] != theirs[ADDRESSES] and squeezed(envelope) != squeezed(theirs):
            broken.append(number)
            envelope[ADDRESSES] = theirs[ADDRESSES]
        if envelope != theirs:
            assert squeezed(envelope) == squeezed(theirs), number
            if envelope[SUBJECT] != theirs[SUBJECT]:
                subjects.append(number)
            if envelope[ADDRESSES] != theirs[ADDRESSES]:
                names.append(number)
            if (envelope[0], *envelope[8:]) != (theirs[0], *theirs[8:]):
                ids.append(number)
        structure, end = read_list(scanned.body_structure)
        assert end == len(scanned.body_structure)
        if comparable(structure) != comparable(answer[b"BODYSTRUCTURE"]):
            structures.append(number)
    assert number == EXPECTED[name]
    assert structures == []
    assert tuple(subjects) == SUBJECT_WHITE_SPACE.get(name, ())
    assert tuple(names) == QUOTED_NAME_WHITE_SPACE.get(name, ())
    assert tuple(broken) == BROKEN_ADDRESSES.get(name, ())
    assert tuple(ids) == ID_WHITE_SPACE.get(name, ())


@pytest.mark.parametrize("name", MBOXES)
def test_every_octet_of_a_header_is_in_its_index(name: str) -> None:
    for message in mbox(name):
        scanned = scan(message)
        header = message[: scanned.body_start]
        assert scanned.header_index == index_header(header)
        entries = [scanned.header_index[place : place + 9] for place in range(0, len(scanned.header_index), 9)]
        position = 0
        for entry in entries:
            start, end = int.from_bytes(entry[1:5], "little"), int.from_bytes(entry[5:], "little")
            assert start == position < end
            assert header[end - 1 : end] == b"\n"
            position = end
        assert header[position:] in (b"\r\n", b"")
