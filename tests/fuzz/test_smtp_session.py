"""A whole session under any octets: every chunking gives the same answers and the same mail; nothing escapes."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.smtp.doubles import Client, House

commands = st.sampled_from(
    [
        b"EHLO a\r\n", b"HELO a\r\n", b"MAIL FROM:<x@example.net>\r\n", b"MAIL FROM:<> BODY=BINARYMIME\r\n",
        b"RCPT TO:<anna@example.org>\r\n", b"RCPT TO:<no@example.org>\r\n", b"DATA\r\n", b"a\r\n.\r\n",
        b"..\r\n.\r\n", b".\r\n", b"\r\n.\r\n", b"BDAT 3\r\nabc", b"BDAT 5 LAST\r\nabc\r\n", b"BDAT 0 LAST\r\n",
        b"BDAT 999\r\n", b"BDAT x\r\n", b"RSET\r\n", b"NOOP\r\n", b"QUIT\r\n", b"VRFY a\r\n", b"HELP\r\n", b"\r\n",
        b"\n", b"\r", b"\0", b"x" * 5000, b"AUTH PLAIN x\r\n",
    ]
)  # fmt: skip


def converse(folder: str, listener: str, octets: bytes, cuts: list[int]) -> tuple[bytes, list[bytes], bool]:
    house = House(Path(folder), smtp={"max_message_bytes": 500}, lmtp={"max_message_bytes": 500})
    client = Client(house, listener, host="127.0.0.1")
    start = 0
    for end in [*sorted({min(each, len(octets)) for each in cuts}), len(octets)]:
        client.server.dataReceived(octets[start:end])
        house.clock.advance(0)
        start = end
    for _ in range(5):
        house.clock.advance(0)
    answers, closed = client.read(), client.closed
    client.leave()
    assert house.spool.memory_bytes == 0
    assert house.clock.getDelayedCalls() == []
    return answers, [each[1] for each in house.copies.delivered], closed


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["smtp", "lmtp"]),
    st.lists(commands, max_size=25),
    st.lists(st.integers(0, 2000), max_size=10),
)
def test_every_chunking_is_the_same(listener: str, said: list[bytes], cuts: list[int]) -> None:
    octets = (b"LHLO a\r\n" if listener == "lmtp" else b"EHLO a\r\n") + b"".join(said)
    with TemporaryDirectory() as folder:
        at_once = converse(folder, listener, octets, [])
        assert converse(folder, listener, octets, cuts) == at_once
        if len(octets) < 600:
            assert converse(folder, listener, octets, list(range(len(octets)))) == at_once
    for line in at_once[0].splitlines(keepends=True):
        assert line.endswith(b"\r\n")
        assert line[:3].isdigit()
        assert len(line) <= 512
