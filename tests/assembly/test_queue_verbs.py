"""The verbs on the queue, over the real store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailserverd.accounts.administration import VerbRefused
from mailserverd.assembly.queue_verbs import QueueVerbs
from mailserverd.backends.lmdb.queue_store import LmdbQueueStore
from mailserverd.model.errors import NotFound
from mailserverd.model.queue_entry import State, Tried
from tests.backends.lmdb.embedded import Embedded
from tests.contracts.loop import Loop
from tests.contracts.queue_store import BODY, NOW, entry, recipients


class Stage:
    """Three messages: q1 to a and b, q2 to a in another class, q3 that failed."""

    def __init__(self, folder: Path) -> None:
        self.loop = Loop()
        self.backing = Embedded(folder, self.loop)
        self.store = LmdbQueueStore(self.backing.environment, self.backing.writer, self.backing.blobs)
        self.woken = self.flushed = 0
        self.verbs = QueueVerbs(self.store, lambda: NOW + 60, self._wake, self._flush)
        self.put("q1", "x@a.example", "x@b.example")
        self.put("q2", "y@a.example", mail_class="notice", sender="bob@example.org")
        self.put("q3", "z@c.example")
        [[failing]] = [self.run(self.store.claim("c.example", NOW, 10))]
        failed = failing.recipient
        self.run(
            self.store.settle(
                [
                    type(failed)(
                        "q3", 0, "z@c.example", "c.example", State.FAILED, NOW, 1, "5.1.1", "550 5.1.1 nobody",
                        finished=NOW, history=(Tried(NOW, "mx[127.0.0.1]:25", "5.1.1", "550 5.1.1 nobody"),),
                    )
                ]
            )
        )  # fmt: skip

    def put(self, name: str, *to: str, **more: Any) -> None:
        self.run(self.store.submit(entry(name, **more), recipients(name, *to), BODY))

    def run(self, work: Any) -> Any:
        return self.loop.run(work)

    def _wake(self) -> None:
        self.woken += 1

    def _flush(self) -> None:
        self.flushed += 1

    def rows(self, **wanted: Any) -> list[tuple[str, str, str]]:
        found = self.run(self.verbs.list(**wanted))
        return [(row["queue_id"], row["recipient"], row["state"]) for row in found["rows"]]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.backing.close()


def test_a_row_says_all_that_was_promised(stage: Stage) -> None:
    row = stage.run(stage.verbs.list(queue_id="q2"))["rows"][0]
    assert {
        key: row[key] for key in ("sender", "recipient", "state", "class", "attempts", "next_attempt", "created")
    } == {
        "sender": "bob@example.org",
        "recipient": "y@a.example",
        "state": "due",
        "class": "notice",
        "attempts": 0,
        "next_attempt": NOW,
        "created": NOW,
    }
    assert row["last_reply"] == ""


def test_filters(stage: Stage) -> None:
    assert stage.rows(domain="A.example") == [("q1", "x@a.example", "due"), ("q2", "y@a.example", "due")]
    assert stage.rows(account="bob@example.org") == [("q2", "y@a.example", "due")]
    assert stage.rows(mail_class="bulk", domain="b.example") == [("q1", "x@b.example", "due")]
    assert stage.rows(state="held") == []
    with pytest.raises(VerbRefused, match="is no state; one of due"):
        stage.run(stage.verbs.list(state="lost"))


def test_pages_go_on_behind_the_cursor_of_a_row(stage: Stage) -> None:
    first = stage.run(stage.verbs.list(limit=2))
    assert len(first["rows"]) == 2
    assert first["after"]
    assert stage.rows(after=first["rows"][0]["cursor"]) == stage.rows()[1:]
    assert stage.rows(after=first["rows"][1]["cursor"]) == stage.rows()[2:]


def test_what_is_in_flight_is_seen_and_left_alone(stage: Stage) -> None:
    stage.run(stage.store.claim("b.example", NOW, 10))
    assert ("q1", "x@b.example", "in_flight") in stage.rows()
    done = stage.run(stage.verbs.change("drop", queue_id="q1"))
    assert (done["changed"], done["in_flight"]) == (1, 1)
    assert stage.rows(queue_id="q1") == [("q1", "x@b.example", "in_flight")]
    with pytest.raises(VerbRefused, match="in flight"):
        stage.run(stage.verbs.edit("q1", recipient="n@b.example", position=1))


def test_hold_release_and_retry(stage: Stage) -> None:
    assert stage.run(stage.verbs.change("hold", domain="a.example"))["changed"] == 2
    assert stage.run(stage.verbs.change("hold", domain="a.example"))["changed"] == 0
    assert stage.rows(state="held") == [("q1", "x@a.example", "held"), ("q2", "y@a.example", "held")]
    assert stage.run(stage.store.claim("a.example", NOW + 99, 10)) == []
    assert stage.run(stage.verbs.change("release", mail_class="notice"))["changed"] == 1
    assert stage.woken == 1
    assert stage.rows(state="due", domain="a.example") == [("q2", "y@a.example", "due")]
    row = stage.run(stage.verbs.list(queue_id="q2"))["rows"][0]
    assert row["next_attempt"] == NOW + 60


def test_the_error_queue_is_shown_retried_and_dropped(stage: Stage) -> None:
    [row] = stage.run(stage.verbs.errors())["rows"]
    assert (row["recipient"], row["state"], row["next_attempt"]) == ("z@c.example", "failed", None)
    shown = stage.run(stage.verbs.show("q3"))
    assert shown["recipients"][0]["history"] == [
        {"at": NOW, "where": "mx[127.0.0.1]:25", "status": "5.1.1", "reply": "550 5.1.1 nobody"}
    ]
    assert shown["header"].startswith("Subject: x")
    stage.run(stage.verbs.edit("q3", recipient="right@d.example"))
    assert stage.run(stage.verbs.change("retry", queue_id="q3", errors=True))["changed"] == 1
    assert stage.rows(queue_id="q3") == [("q3", "right@d.example", "deferred")]
    assert stage.run(stage.verbs.errors())["rows"] == []
    assert [each.recipient.address for each in stage.run(stage.store.claim("d.example", NOW + 60, 9))] == [
        "right@d.example"
    ]


def test_a_message_is_replaced_by_its_octets(stage: Stage) -> None:
    octets = bytes(range(256))
    stage.run(stage.verbs.edit("q1", message=octets.decode("latin-1")))
    assert stage.run(stage.store.body("q1")) == octets
    for wrong in ("", "\u20ac"):
        with pytest.raises(VerbRefused):
            stage.run(stage.verbs.edit("q1", message=wrong))


def test_nonsense_is_refused_in_a_line(stage: Stage) -> None:
    with pytest.raises(VerbRefused, match="nothing that is done"):
        stage.run(stage.verbs.change("burn"))
    with pytest.raises(NotFound):
        stage.run(stage.verbs.show("q9"))
    for address in ("no domain", "x@a.example\r\nQUIT", "@"):
        with pytest.raises(VerbRefused):
            stage.run(stage.verbs.edit("q1", recipient=address))


def test_counts_and_flush(stage: Stage) -> None:
    counts = {(each["state"], each["class"]): each["recipients"] for each in stage.run(stage.verbs.counts())}
    assert counts["due", "bulk"] == 2
    assert counts["due", "notice"] == 1
    stage.run(stage.verbs.flush())
    assert stage.flushed == 1
