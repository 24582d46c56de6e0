import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.authentication.srs import (
    DAY_SECONDS,
    VALID_DAYS,
    CannotRewrite,
    NotReversible,
    is_rewritten,
    reversed_path,
    rewritten,
)
from mailserverd.wire.smtp.path import Path, parse_path

NOW = 1_795_000_000
SECRET, OTHER = b"a secret of ours", b"a secret of theirs"
ALICE = Path(b"Alice.B", b"example.net")


def there_and_back(path: Path, later: int = 0) -> Path:
    return reversed_path(rewritten(path, b"fwd.example", SECRET, NOW).local, SECRET, NOW + later)


def test_a_bounce_finds_its_way_back() -> None:
    made = rewritten(ALICE, b"fwd.example", SECRET, NOW)
    assert made.domain == b"fwd.example"
    assert made.local.startswith(b"SRS0=")
    assert made.local.endswith(b"=example.net=Alice.B")
    assert is_rewritten(made.local)
    assert not is_rewritten(ALICE.local)
    assert reversed_path(made.local, SECRET, NOW) == ALICE
    assert reversed_path(made.local.lower(), SECRET, NOW) == Path(b"alice.b", b"example.net")


def test_a_second_forwarder_points_to_the_first_and_a_third_too() -> None:
    first = rewritten(ALICE, b"one.example", OTHER, NOW)
    second = rewritten(first, b"two.example", SECRET, NOW)
    assert second.local.startswith(b"SRS1=")
    assert b"=one.example==" in second.local
    assert reversed_path(second.local, SECRET, NOW) == first
    third = rewritten(second, b"three.example", b"third", NOW)
    assert reversed_path(third.local, b"third", NOW) == first
    assert b"two.example" not in third.local
    assert rewritten(second, b"TWO.example", SECRET, NOW) == second
    plus = Path(b"SRS0+xyz=AB=example.net=alice", b"one.example")
    assert reversed_path(rewritten(plus, b"two.example", SECRET, NOW).local, SECRET, NOW) == plus


def test_nothing_else_is_reversed() -> None:
    made = rewritten(ALICE, b"fwd.example", SECRET, NOW).local
    for local in (b"alice", b"SRS0=", b"SRS1=", b"SRS0=AAAAAA=AA=example.net=alice", made.replace(b"net", b"org"), b""):
        with pytest.raises(NotReversible):
            reversed_path(local, SECRET, NOW)
    with pytest.raises(NotReversible, match="not made here"):
        reversed_path(made, OTHER, NOW)


def test_a_path_grows_old() -> None:
    assert there_and_back(ALICE, VALID_DAYS * DAY_SECONDS) == ALICE
    assert there_and_back(ALICE, -DAY_SECONDS) == ALICE
    with pytest.raises(NotReversible, match="too old"):
        there_and_back(ALICE, (VALID_DAYS + 1) * DAY_SECONDS)


@pytest.mark.parametrize("local", [b"a b", b'q"uote', b"a=b=c", b"a+b-c", "jürgen".encode(), b".dot."])
def test_odd_names_come_back(local: bytes) -> None:
    path = Path(local, b"example.net")
    made = rewritten(path, b"fwd.example", SECRET, NOW)
    assert parse_path(b"<" + made.wire + b">", 0, forward=True)[0] == made
    assert reversed_path(made.local, SECRET, NOW) == path


def test_what_would_be_too_long_or_makes_no_sense_is_not_made() -> None:
    with pytest.raises(CannotRewrite, match="long"):
        rewritten(Path(b"a" * 230, b"example.net"), b"fwd.example", SECRET, NOW)
    with pytest.raises(CannotRewrite, match="looks like"):
        rewritten(Path(b"SRS1=x", b"example.net"), b"fwd.example", SECRET, NOW)


@given(st.binary(max_size=80), st.booleans())
@settings(max_examples=200, deadline=None)
def test_whatever_is_sent_there_is_an_answer(local: bytes, marked: bool) -> None:
    with pytest.raises(NotReversible):
        reversed_path(b"SRS0=" + local if marked else local, SECRET, NOW)


@given(st.from_regex(rb"\A[A-Za-z0-9=+.-]{1,30}\Z"), st.from_regex(rb"\A[a-z]{1,9}\.[a-z]{2,5}\Z"))
@settings(max_examples=200, deadline=None)
def test_every_sender_comes_back(local: bytes, domain: bytes) -> None:
    try:
        made = rewritten(Path(local, domain), b"fwd.example", SECRET, NOW)
    except CannotRewrite:
        assert is_rewritten(local)
        return
    if not is_rewritten(local):
        assert reversed_path(made.local, SECRET, NOW) == Path(local, domain)
