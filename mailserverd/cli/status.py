"""`mailserverd status`."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import click

from mailserverd.assembly.dane_state import dane_state
from mailserverd.assembly.data_lock import in_use
from mailserverd.cli.output import Invocation, answering
from mailserverd.config.schema import Config

TIMEOUT_SECONDS = 10


@click.command("status")
@answering
def command(invocation: Invocation) -> None:
    """Tell whether the server runs, and how it is. Status 0: it runs and is healthy."""
    config = invocation.config()
    value = _status(config)
    lines = [f"data directory: {value['data_directory']}", f"running: {'yes' if value['running'] else 'no'}"]
    lines += [f"process: {value['process']}"] if value["running"] else []
    lines += [f"health: {value['health']}"]
    lines += [f"problem: {name}: {what}" for name, what in value["problems"].items()]
    lines += [f"DANE: {value['dane']}"]
    lines += [f"{name}: {' '.join(addresses)}" for name, addresses in value["listeners"].items()]
    invocation.answer(value, lines)
    if value["health"] != "ok":
        raise SystemExit(1)


def _status(config: Config) -> dict[str, Any]:
    folder = config.server.data_directory
    running = in_use(folder)
    health, problems = _health(config) if running else ("not running", {})
    return {
        "running": running,
        "process": int((folder / "lock").read_text() or 0) if running else None,
        "data_directory": str(folder),
        "health": health,
        "problems": problems,
        "dane": dane_state(config),
        "listeners": {
            name: [str(address) for address in section.addresses]
            for name in Config.LISTENERS
            if (section := getattr(config, name)).enabled
        },
    }


def _health(config: Config) -> tuple[str, dict[str, str]]:
    """What /health says; the lock alone tells that it runs where that listener is off."""
    if not config.metrics.enabled or not config.metrics.addresses:
        return "ok", {}
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback is asked, not a proxy
        with opener.open(f"http://{config.metrics.addresses[0]}/health", timeout=TIMEOUT_SECONDS) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        found = json.load(error)
    except (OSError, ValueError) as error:
        return "failing", {"metrics": f"no answer from {config.metrics.addresses[0]} ({error})"}
    return found["status"], found.get("problems", {})
