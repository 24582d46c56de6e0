"""Reading stored mail parses nothing: with all of wire/mime made to raise, every FETCH answers what it did before.

What stays are the few functions that put stored pieces together (READS); of the rest each function's code is replaced,
so that no copy of a name under which it was imported can reach it.
"""

import base64
import importlib
import inspect
import pkgutil
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType

import pytest

import mailserverd.wire.mime as mime
from tests.imap.house import Connection, House

READS = {
    "headers": {"compile_fields", "field_name", "fields_end", "_index_end"}
    | {f"FieldSelector.{name}" for name in ("pick", "wants", "_learned", "_runs", "_pick_by_name", "__init__")},
    "field_picker": {"pick_fields", "picked_pieces", "pieces_of"}
    | {f"FieldPicker.{name}" for name in ("feed", "_begin", "__init__")},
    "parts": {"find_section", "_locate"},
    "segments": {"pieces", "_piece", "encode", "_lines_of", "BlobPiece.octets"},
}
LARGE = random.Random(1).randbytes(400_000)
INNER = (
    b"From: Inner <in@x>\r\nX-Own : 1\r\n 2\r\nSubject: =?utf-8?q?inner?=\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\nplain\r\n--i\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"<b>=C3=A9</b>\r\n--i--\r\n"
)
NESTED = (
    b'From: a@b\r\nTo: Bob <b@c>, "quoted" <q@c>\r\nSubject: nested\r\nMIME-Version: 1.0\r\nX-100%: 1\r\n'
    b"Content-Type: multipart/mixed; boundary=o\r\n\r\npreamble\r\n--o\r\nContent-Type: text/plain\r\n\r\none\r\n"
    b"--o\r\nContent-Type: message/rfc822\r\n\r\n" + INNER + b"\r\n--o\r\nContent-Type: application/pdf; name=a.pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(LARGE).replace(b"\n", b"\r\n") + b"--o--\r\n"
)
MESSAGES = [
    b"From: a@b\r\nSubject: plain\r\n folded\r\n\r\nbody\r\n",
    NESTED,
    b"\r\nno header \0 \xff\r\n",
    b"Subject: no body",
    b"Subject: large\r\nX-Own: 1\r\n\r\n" + b"line\r\n" * 100_000,
    b"X-Long: " + b"x" * 300_000 + b"\r\nFrom: long@header\r\n\r\nbody\r\n",
    b"From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=never\r\n\r\nnot closed\r\n--never\r\n",
]
ITEMS = [
    "FULL",
    "ALL",
    "FAST",
    "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY EMAILID THREADID MODSEQ)",
    "BODY.PEEK[]",
    "(BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[]<3.10>)",
    "(RFC822.HEADER)",
    'BODY.PEEK[HEADER.FIELDS (From subject x-own "X-100%" to)]',
    "BODY.PEEK[HEADER.FIELDS.NOT (Subject)]<0.99>",
    "(BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[2] BODY.PEEK[2.HEADER] BODY.PEEK[2.TEXT] BODY.PEEK[2.1] BODY.PEEK[9])",
    "(BODY.PEEK[2.2] BODY.PEEK[2.2.MIME] BODY.PEEK[3]<100.300000> BODY.PEEK[2.2.1])",
    "(BODY.PEEK[2.HEADER.FIELDS (subject X-OWN)] BODY.PEEK[2.HEADER.FIELDS.NOT (from)])",
    "(BODY[] RFC822 RFC822.TEXT)",
]


class Parsed(Exception):
    pass


def raises(*args: object, **kwargs: object) -> None:
    from tests.imap.test_never_parsed import Parsed

    raise Parsed


def functions() -> Iterator[tuple[str, str, FunctionType]]:
    """Module, name and function of everything in wire/mime."""
    for found in pkgutil.iter_modules(mime.__path__):
        module = importlib.import_module(f"{mime.__name__}.{found.name}")
        for value in vars(module).values():
            members = vars(value).values() if inspect.isclass(value) else [value]
            for member in members:
                function = inspect.unwrap(getattr(member, "__func__", member)) if callable(member) else None
                if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                    yield found.name, function.__qualname__, function


@pytest.fixture
def poison() -> Iterator[Callable[[], set[str]]]:
    """Call it, and nothing in wire/mime works but READS until the test ends; the names of what was replaced."""
    there = [each for each in functions() if each[1] not in READS.get(each[0], ()) and not each[2].__closure__]
    kept = [(function, function.__code__) for _, _, function in there]

    def pour() -> set[str]:
        for function, _ in kept:
            function.__code__ = raises.__code__
        return {f"{module}.{name}" for module, name, _ in there}

    yield pour
    for function, code in kept:
        function.__code__ = code


def entered(house: House) -> Connection:
    connection = house.connect()
    connection.say(b"a LOGIN user {13+}\r\ncorrect horse\r\n")
    connection.say(b"b SELECT INBOX\r\n")
    return connection


def answers(client: Connection) -> list[bytes]:
    found = [client.say(f"c FETCH 1:* {items}\r\n".encode()) for items in ITEMS]
    return [*found, client.say(b"d UID FETCH 2:3 (FLAGS BODY[2.TEXT] BODYSTRUCTURE)\r\n")]


def test_every_fetch_with_a_parser_that_raises(tmp_path: Path, poison: Callable[[], set[str]]) -> None:
    house = House(tmp_path)
    for octets in MESSAGES:
        house.put(octets)
    entered(house).say(b"e STORE 1:* +FLAGS.SILENT (\\Seen)\r\n")
    before = answers(entered(house))
    assert all(b"\r\nc OK Fetched\r\n" in answer for answer in before[:-1])
    assert all(octets in before[4] for octets in MESSAGES)
    house.close()
    again = House(tmp_path)  # nothing is remembered from the first reading
    names = poison()
    client = entered(again)
    for items, now, then in zip([*ITEMS, "UID"], answers(client), before, strict=True):
        assert now == then, items
    # the poison is real: nothing can be taken in any more
    assert names > {"record.new_message", "scan.scan", "headers.read_header", "addresses.parse_addresses"}
    assert b"f NO [SERVERBUG]" in client.say(b"f APPEND INBOX {5+}\r\nhello\r\n")
    again.close()
