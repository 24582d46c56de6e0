"""cli/moment.py: the zone is told."""

from mailserverd.cli.moment import moment


def test_a_moment_is_told_in_utc() -> None:
    assert moment(1_700_000_000) == "2023-11-14 22:13:20Z"
