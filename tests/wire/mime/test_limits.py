from dataclasses import FrozenInstanceError

import pytest

from mailserverd.wire.mime.limits import DEFAULT_LIMITS, MimeLimits


def test_the_part_map_can_count_as_many_parts_as_are_allowed() -> None:
    assert DEFAULT_LIMITS.parts * 2 < 1 << 16
    assert MimeLimits() == DEFAULT_LIMITS


def test_limits_are_values() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFAULT_LIMITS.depth = 1  # type: ignore[misc]
