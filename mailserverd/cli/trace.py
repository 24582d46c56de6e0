"""`mailserverd trace MESSAGE-ID`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from mailserverd.cli.output import Invocation, answering
from mailserverd.telemetry.trace import Event, find


@click.command("trace")
@click.argument("message_id")
@answering
def command(invocation: Invocation, message_id: str) -> None:
    """Tell what happened to a message, by its Message-ID or its queue id, oldest first."""
    config = invocation.config()
    events = list(find(config.server.data_directory / "trace", message_id))
    if not events and not invocation.as_json:
        days = config.log.trace_days
        invocation.fail(f"{message_id}: no trace of it in the last {days} days (log.trace_days)")
    invocation.answer(events, (_line(event) for event in events))


def _line(event: Event) -> str:
    moment = datetime.fromtimestamp(float(event.get("time") or 0), UTC).isoformat(timespec="milliseconds")
    details = " ".join(f"{name}={value}" for name, value in event.items() if name not in ("time", "event") and value)
    return f"{moment.replace('+00:00', 'Z')}  {event.get('event')}  {details}"
