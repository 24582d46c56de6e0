"""kill -9 at random points: nothing acknowledged is lost, nothing appears twice, numbers never go back."""

import json
import os
import random
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mailserverd.interfaces.mail_store import Add
from mailserverd.model.identifiers import MailboxId
from tests.backends.lmdb.embedded import Embedded
from tests.contracts.loop import Loop
from tests.contracts.mail import Mail
from tests.scenarios.crash.child import key_of, new_message
from tests.scenarios.crash.ledger import Ledger

ROOT = Path(__file__).parents[3]


def run_and_kill(directory: Path, seed: int, ledger: Ledger, seconds: float) -> None:
    """Start a child, let it work for so long after it opened the store, kill it, read all that it said."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.scenarios.crash.child", str(directory), str(seed)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert child.stdout is not None
    output, end = b"", time.monotonic() + 30
    killed = False
    while True:
        ready, _, _ = select.select([child.stdout], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            assert output, "the child never opened its store"
            child.kill()
            killed = True
            end = time.monotonic() + 10
            continue
        piece = os.read(child.stdout.fileno(), 1 << 16)
        if not piece:
            break
        if not output:
            end = time.monotonic() + seconds
        output += piece
        if time.monotonic() >= end and not killed:
            child.kill()
            killed = True
    child.stdout.close()
    assert child.wait() == -9, "the child ended before it was killed"
    for line in output.splitlines():
        ledger.read(json.loads(line))


def examine(directory: Path, ledger: Ledger) -> None:
    """A new start: clean, complete, and a sender's second try doubles nothing."""
    loop = Loop()
    store = Embedded(directory, loop)
    try:
        assert store.check().findings == []
        mail = Mail(loop, store.mail_store)
        ledger.compare(mail)
        ledger.settle(mail)
        for n in ledger.unanswered():
            _, message = loop.run(new_message(store, n))
            box = next(row.mailbox_id for row in mail.mailboxes() if (row.name == "Other") == (n % 2 == 1))
            done = mail.commit(Add(MailboxId(box), message, (), n), key=key_of(n))
            placed = done.results[0].placed[0]
            ledger.read(
                {
                    "ok": "add",
                    "n": n,
                    "box": box,
                    "uid": placed.uid,
                    "id": placed.email_id.hex(),
                    "modseq": done.modseq,
                }
            )
        ledger.compare(mail)
        everything = [one.email_id for row in mail.mailboxes() for one in mail.rows(row.mailbox_id)]
        assert len(everything) == len(set(everything)), "a message is there twice"
        assert len(everything) == sum(1 for told in ledger.told.values() if not told.expunged)
    finally:
        store.close()


def kills(directory: Path, count: int) -> Ledger:
    source, ledger = random.Random(20_26), Ledger()
    for seed in range(1, count + 1):
        run_and_kill(directory, seed, ledger, source.uniform(0.0, 0.25))
        examine(directory, ledger)
    return ledger


def test_ten_kills(tmp_path: Path) -> None:
    assert kills(tmp_path, 10).acknowledged > 100


@pytest.mark.slow
def test_a_hundred_kills(tmp_path: Path) -> None:
    assert kills(tmp_path, 100).acknowledged > 1_000
