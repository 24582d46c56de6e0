"""A moment as a person is told it. Standing rule: in UTC, as the log and traces tell it, and it says so."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(seconds: float) -> str:
    """seconds: since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
