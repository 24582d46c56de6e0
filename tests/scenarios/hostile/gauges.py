"""What the server says of itself on its monitoring port."""

import urllib.request

from tests.scenarios.server import MailServer


def gauge(server: MailServer, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port('metrics')}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"mailserverd_{name} "))
