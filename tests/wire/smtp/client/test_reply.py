import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.smtp.client.reply import (
    MAX_LINE_OCTETS,
    MAX_LINES,
    MAX_OCTETS,
    MAX_TEXT,
    BadReply,
    Reply,
    ReplyReader,
    clean,
)


def read(*chunks: bytes) -> list[Reply]:
    reader = ReplyReader()
    return [reply for chunk in chunks for reply in reader.feed(chunk)]


def test_one_line_and_several_and_pipelined_ones() -> None:
    assert read(b"250 ok\r\n") == [Reply(250, (b"ok",))]
    assert read(b"250-a\r\n250-b\r\n250 c\r\n354 go\r\n") == [Reply(250, (b"a", b"b", b"c")), Reply(354, (b"go",))]
    assert read(b"250\r\n") == [Reply(250, (b"",))]
    assert read(b"250 lf alone\n") == [Reply(250, (b"lf alone",))]


STREAM = b"220-mx.example\r\n220 ESMTP\r\n250 2.1.0 ok\r\n550-5.1.1 no\r\n550 5.1.1 such user\r\n"


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
@settings(max_examples=150, deadline=None)
def test_any_chunks_give_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert read(*[STREAM[a:b] for a, b in itertools.pairwise(edges)]) == read(STREAM)


@given(st.lists(st.binary(max_size=60), max_size=6))
@settings(max_examples=200, deadline=None)
def test_nothing_but_bad_reply_escapes(chunks: list[bytes]) -> None:
    try:
        replies = read(*chunks)
    except BadReply:
        return
    assert all(reply.text.isprintable() and reply.text.isascii() for reply in replies)


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n",
        b"\r\n",
        b"25\r\n",
        b"150 too small\r\n",
        b"600 too large\r\n",
        b"2500 four digits\r\n",
        b"250_\r\n",
        b"\xb2\xb5\xb0 superscript\r\n",
    ],
)
def test_what_is_no_reply(octets: bytes) -> None:
    with pytest.raises(BadReply) as caught:
        read(octets)
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()


def test_bounds() -> None:
    with pytest.raises(BadReply):
        read(b"250 " + b"x" * MAX_OCTETS)
    with pytest.raises(BadReply):
        read(b"250 " + b"x" * MAX_OCTETS + b"\r\n")
    (long,) = read(b"550 5.1.1 " + b"x" * (MAX_OCTETS - 20) + b"\r\n")
    assert (long.code, long.status, len(long.lines[0])) == (550, "5.1.1", MAX_LINE_OCTETS - 4)
    with pytest.raises(BadReply):
        read(b"250-again\r\n" * (MAX_LINES + 1))
    with pytest.raises(BadReply):
        read((b"250-" + b"x" * 4000 + b"\r\n") * (MAX_OCTETS // 4000 + 1))
    assert len(read(b"250-a\r\n" * (MAX_LINES - 1) + b"250 a\r\n")[0].lines) == MAX_LINES
    assert len(read(b"250 a\r\n" * 10_000)) == 10_000


def test_an_endless_line_is_not_kept() -> None:
    reader = ReplyReader()
    for _ in range(MAX_OCTETS):
        reader.feed(b"2")
    with pytest.raises(BadReply):
        reader.feed(b"2")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ((b"5.1.1 no",), "5.1.1"),
        ((b"5.7.509 no",), "5.7.509"),
        ((b"5.1.1",), "5.1.1"),
        ((b"4.1.1 of another class",), ""),
        ((b"5.1.1no",), ""),
        ((b"5.1.1.1 no",), ""),
        ((b"5.01.1 no",), ""),
        ((b"first", b"5.2.2 last"), "5.2.2"),
        ((b"5.2.2 first", b"last"), "5.2.2"),
    ],
)
def test_status(lines: tuple[bytes, ...], status: str) -> None:
    assert Reply(550, lines).status == status


def test_text_is_one_line_that_can_be_shown() -> None:
    assert Reply(550, (b"5.1.1 No such", b"5.1.1 user here")).text == "550 5.1.1 No such user here"
    assert Reply(250, (b"",)).text == "250"
    assert (
        Reply(550, (b"5.1.1 5.1.10 stays", b"5.1.10 too", b"5.1.1 end")).text == "550 5.1.1 5.1.10 stays 5.1.10 too end"
    )
    assert Reply(550, (b"a\x1b[31m\x00\r\xffb\tc",)).text == "550 a?[31m???b c"
    assert len(Reply(550, tuple([b"x" * 500] * 20)).text) == MAX_TEXT
    assert clean(b"\xc3\xbc") == "??"


def test_dropped_input_is_forgotten() -> None:
    reader = ReplyReader()
    assert reader.feed(b"250-injected\r\n250 half") == []
    reader.drop()
    assert reader.feed(b"250 ok\r\n") == [Reply(250, (b"ok",))]
