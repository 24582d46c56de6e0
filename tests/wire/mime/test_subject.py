import pytest

from mailserverd.wire.mime.subject import base_subject


@pytest.mark.parametrize(
    ("value", "base", "is_reply"),
    [
        (None, "", False),
        (b"", "", False),
        (b" Hello World\r\n", "Hello World", False),
        (b"Re: Hello", "Hello", True),
        (b"RE:Hello", "Hello", True),
        (b"re : Hello", "Hello", True),
        (b"Fwd: Hello", "Hello", True),
        (b"FW: Hello", "Hello", True),
        (b"Re: Fwd: re: Hello", "Hello", True),
        (b"Re[2]: Hello", "Hello", True),
        (b"Re [x] : Hello", "Hello", True),
        (b"[list] Hello", "Hello", False),
        (b"[list] Re: [other] Hello", "Hello", True),
        (b"Re: [list] Hello (fwd)", "Hello", True),
        (b"Hello (fwd) (FWD) ", "Hello", True),
        (b"[Fwd: Hello]", "Hello", True),
        (b"[fwd: [fwd: Re: Hello]]", "Hello", True),
        (b"[list]", "[list]", False),
        (b"[a] [b]", "[b]", False),
        (b"Hello\r\n \t world", "Hello world", False),
        (b"=?utf-8?q?Re:_?= =?utf-8?q?H=C3=A9llo?=", "Héllo", True),
        (b"Reply: Hello", "Reply: Hello", False),
        (b"Regarding", "Regarding", False),
        (b"Re:", "", True),
        (b"Forward march", "Forward march", False),
        (b"fwd Hello", "fwd Hello", False),
    ],
)
def test_base_subject(value: bytes | None, base: str, is_reply: bool) -> None:
    assert base_subject(value) == (base, is_reply)


def test_a_key_has_a_bound() -> None:
    assert len(base_subject(b"x" * 100_000)[0]) == 512
