"""smtp/replies.py: one table from outcomes to replies."""

import pytest

from mailserverd.delivery import copies, inbound, route
from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from mailserverd.smtp.replies import outcome_reply


@pytest.mark.parametrize(
    ("outcome", "start"),
    [
        (Delivered(), b"250 2.0.0 "),
        (copies.STORE_FAILED, b"451 4.3.0 "),
        (copies.FULL, b"452 4.2.2 "),
        (copies.GONE, b"550 5.1.1 "),
        (copies.LIMIT, b"450 4.2.0 "),
        (inbound.NO_SPACE, b"452 4.3.1 "),
        (inbound.LOOP, b"554 5.4.6 "),
        (inbound.TOO_LARGE, b"552 5.3.4 "),
        (route.UNKNOWN, b"550 5.1.1 "),
        (route.NOT_OURS, b"550 5.7.1 "),
        (route.DISABLED, b"550 5.2.1 "),
        (route.FULL, b"452 4.2.2 "),
        (route.UNAVAILABLE, b"451 4.3.0 "),
        (TryLater("4.9.9", "x"), b"451 4.9.9 "),
        (Refused("5.9.9", "x"), b"554 5.9.9 "),
    ],
)
def test_the_table(outcome: Outcome, start: bytes) -> None:
    assert outcome_reply(outcome, "q1").startswith(start)
    assert outcome_reply(outcome, "q1").endswith(b"\r\n")


def test_the_queue_id_is_told() -> None:
    assert b"q1" in outcome_reply(Delivered(), "q1")
