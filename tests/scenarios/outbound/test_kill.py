"""kill -9 in the middle of deliveries: nothing that was accepted is lost, and next to nothing is sent twice."""

import smtplib
import ssl
from collections import Counter
from pathlib import Path
from threading import Thread

from tests.scenarios.outbound.test_mail_leaves import ANNA, MESSAGE, SECRET, World
from tests.scenarios.server import until

MESSAGES = 400
CONNECTIONS = 10  # to one provider: one message each may lie between the peer's 250 and our commit


def submit(world: World, name: str, accepted: list[str]) -> None:
    context = ssl.create_default_context(cafile=str(world.server.folder / "tls/certificate.pem"))
    context.check_hostname = False
    try:
        with smtplib.SMTP("127.0.0.1", world.server.port("submission"), timeout=20) as client:
            client.starttls(context=context)
            client.login(ANNA, SECRET)
            for number in range(MESSAGES // 4):
                client.sendmail(ANNA, [f"{name}{number}@a.example"], MESSAGE)
                accepted.append(f"{name}{number}@a.example")
    except (smtplib.SMTPException, OSError):
        return  # the kill; what was not answered with 250 was not accepted


def test_a_kill_in_the_middle(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.server.set("outbound", account_messages_per_hour=0, account_new_recipients_per_day=0)
    accepted: list[str] = []
    with world.nameserver, world.peer, world.server:
        world.server.start()
        clients = [Thread(target=submit, args=(world, name, accepted)) for name in "abcd"]
        for client in clients:
            client.start()
        until(lambda: len(world.peer.taken) >= MESSAGES // 4)
        world.server.kill()
        for client in clients:
            client.join()
        assert len(accepted) < MESSAGES
        world.server.start()
        until(lambda: set(accepted) <= {each.recipients[0] for each in world.peer.taken})
        until(lambda: not world.queue())
        seen = Counter(each.recipients[0] for each in world.peer.taken)
        assert sum(count - 1 for count in seen.values()) <= CONNECTIONS
        assert max(seen.values()) <= 2
