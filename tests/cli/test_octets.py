import click
import pytest

from mailserverd.cli.octets import NONE, OCTETS, shown


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("0", 0),
        ("500", 500),
        ("1k", 1024),
        ("20M", 20 * 1024**2),
        ("2G", 2 * 1024**3),
        ("2GiB", 2 * 1024**3),
        ("1TB", 1024**4),
        (" 5m ", 5 * 1024**2),
        ("none", NONE),
        ("default", NONE),
    ],
)
def test_sizes(text, octets):
    assert OCTETS.convert(text, None, None) == octets


@pytest.mark.parametrize("text", ["", "G", "-1", "1.5G", "1X", "1" * 30, "2G2"])
def test_what_is_no_size(text):
    with pytest.raises(click.BadParameter):
        OCTETS.convert(text, None, None)


def test_shown():
    assert [shown(n) for n in (None, 0, 1, 1024, 5 * 1024**2, 3 * 1024**4)] == ["default", "0", "1", "1K", "5M", "3T"]
