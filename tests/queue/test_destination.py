"""The engine of a destination: connections, order, transactions, hosts, retries."""

from collections.abc import Sequence

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from mailserverd.interfaces.mail_transport import HopFailed, Result
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State
from mailserverd.queue.parts import AsAccepted
from tests.queue.stage import NOW, OK, Host, Stage, hop, later, never

DOWN = HopFailed("connect", TryLater("4.4.1", "no answer from mx"))


def test_a_message_goes_out_and_is_gone() -> None:
    stage = Stage()
    host = stage.host("a.example")
    stage.queue("q1", "x@a.example")
    stage.run()
    assert host.recipients() == ["x@a.example"]
    assert stage.gone("q1")
    assert stage.kinds() == ["delivered"]
    told = stage.notes.attempts[0]
    assert (told.code, told.reply, told.provider) == (250, "250 2.0.0 ok", "mx.a.example")
    assert told.where.startswith("mx.a.example[")


def test_recipients_of_a_message_share_a_transaction() -> None:
    stage = Stage(max_recipients_per_message=3)
    host = stage.host("a.example")
    stage.host("b.example")
    stage.queue("q1", *(f"r{n}@a.example" for n in range(7)), "x@b.example")
    stage.run()
    assert sorted(len(each.recipients) for each in host.messages) == [1, 3, 3]
    assert stage.gone("q1")


def test_a_hundred_recipients_of_a_message_are_one_transaction() -> None:
    stage = Stage()
    host = stage.host("a.example")
    stage.queue("q1", *(f"r{n}@a.example" for n in range(100)))
    stage.run()
    assert [len(each.recipients) for each in host.messages] == [100]


def test_a_server_that_takes_a_few_at_a_time() -> None:
    """RFC 5321 §4.5.3.1.10: the others go in the next transaction, at once, and it was no attempt."""
    stage = Stage()
    host = stage.host("a.example")
    crowd = later("452 4.5.3 too many recipients")
    taken: list[str] = []

    def answer(to: str) -> Result:
        if len(taken) % 11 == 10 or (taken and taken[-1] == "full"):
            taken.append("full")
            return crowd
        taken.append(to)
        return OK

    host.answer = answer
    host.ended = lambda: taken.clear()
    stage.queue("q1", *(f"r{n}@a.example" for n in range(25)))
    stage.run()
    assert [len(each.recipients) for each in host.messages] == [25, 15, 5]
    assert len(host.sessions) == 1
    assert stage.gone("q1")
    assert stage.kinds() == ["delivered"] * 25
    stage.host("b.example", lambda _: crowd)
    stage.queue("q2", "x@b.example", "y@b.example")
    stage.run()
    assert [stage.row("q2", n).state for n in (0, 1)] == [State.DEFERRED] * 2


def test_a_connection_is_used_again_and_closed_after_two_seconds() -> None:
    stage = Stage()
    host = stage.host("a.example")
    for n in range(3):
        stage.queue(f"q{n}", "x@a.example")
        stage.run(1.5)
    assert len(host.messages) == 3
    assert len(host.sessions) == 1
    assert host.open == 1
    stage.run(2)
    assert host.open == 0


def test_a_free_connection_serves_another_domain_of_the_host() -> None:
    stage = Stage()
    host = stage.hosts.by_name["mx.shared"] = Host()
    for name in ("a.example", "b.example"):
        stage.routes.by_name[name] = (hop("mx.shared"),)
    stage.queue("q1", "x@a.example")
    stage.run(1)
    stage.queue("q2", "x@b.example")
    stage.run(1)
    assert (len(host.messages), len(host.sessions)) == (2, 1)


def test_a_hundred_messages_to_one_host_use_ten_connections() -> None:
    stage = Stage()
    host = stage.host("a.example", seconds=0.2)
    for n in range(100):
        stage.queue(f"q{n:03}", "x@a.example")
    stage.run(10)
    assert len(host.messages) == 100
    assert host.most_open == 10
    assert len(host.sessions) == 10


def test_two_domains_of_a_provider_share_its_connections_fairly() -> None:
    stage = Stage(max_connections_per_provider=2)
    host = stage.hosts.by_name["mx.shared"] = Host(seconds=0.1)
    for name in ("a.example", "b.example"):
        stage.routes.by_name[name] = (hop("mx.shared"),)
    for n in range(60):
        stage.queue(f"a{n:02}", "x@a.example")
    stage.run(0.5)
    stage.queue("b", "x@b.example")
    stage.run(0.5)
    assert stage.gone("b")
    assert len(host.messages) < 60
    stage.run(6)
    assert len(host.messages) == 61
    assert host.most_open == 2


def test_one_connection_is_shared_too() -> None:
    stage = Stage(max_connections_per_provider=1)
    host = stage.hosts.by_name["mx.shared"] = Host(seconds=0.1)
    for name in ("a.example", "b.example"):
        stage.routes.by_name[name] = (hop("mx.shared"),)
        for n in range(50):
            stage.queue(f"{name}{n:02}", f"x@{name}")
    stage.run(5)
    served = [each.rpartition("@")[2] for each in host.recipients()]
    assert served.count("a.example") >= 10
    assert served.count("b.example") >= 10
    stage.run(10)
    assert len(host.messages) == 100
    assert host.most_open == 1


def test_connections_in_all_are_bounded() -> None:
    stage = Stage(max_connections=3)
    hosts = [stage.host(f"d{n}.example", seconds=0.5) for n in range(10)]
    for n in range(10):
        stage.queue(f"q{n}", f"x@d{n}.example")
    for _ in range(100):
        stage.run(0.1)
        assert sum(each.open for each in hosts) <= 3
    assert sum(len(each.messages) for each in hosts) == 10


def test_a_dead_destination_holds_nobody_up() -> None:
    stage = Stage(max_connections=5)
    stage.hosts.connecting = 0.0
    dead = stage.host("dead.example")
    dead.down = DOWN
    live = stage.host("live.example")
    for n in range(20):
        stage.queue(f"d{n:02}", "x@dead.example")
        stage.queue(f"l{n:02}", "x@live.example")
    stage.run(2)
    assert len(live.messages) == 20
    assert sum(each.host == "mx.dead.example" for each in stage.hosts.tried) == 1
    assert {stage.row(f"d{n:02}").state for n in range(20)} == {State.DEFERRED}
    assert stage.row("d00").last_reply == "no answer from mx"
    assert stage.row("d19").attempts == 1


def test_the_next_host_is_tried() -> None:
    stage = Stage()
    first, second = stage.hosts.by_name["one"], stage.hosts.by_name["two"] = Host(), Host()
    first.down = DOWN
    stage.routes.by_name["a.example"] = (hop("one"), hop("two"))
    stage.queue("q1", "x@a.example")
    stage.run()
    assert second.recipients() == ["x@a.example"]
    stage.run(5)
    stage.queue("q2", "x@a.example")
    stage.run()
    assert [each.host for each in stage.hosts.tried] == ["one", "two", "two"]  # the first one rests


def test_who_is_refused_for_now_is_tried_at_the_next_host() -> None:
    stage = Stage()
    first = stage.hosts.by_name["one"] = Host(lambda to: later("452 4.3.1 no room") if to[0] == "x" else OK)
    second = stage.hosts.by_name["two"] = Host()
    stage.routes.by_name["a.example"] = (hop("one"), hop("two"))
    stage.queue("q1", "x@a.example", "y@a.example")
    stage.run()
    assert first.recipients() == ["x@a.example", "y@a.example"]
    assert second.recipients() == ["x@a.example"]
    assert stage.gone("q1")


def test_a_greylisting_comes_back_sooner_to_the_same_host() -> None:
    stage = Stage()
    seen: list[str] = []

    def greylisted(to: str) -> Result:
        seen.append(to)
        return later("450 4.2.0 Greylisted, please try again in 60 seconds") if len(seen) == 1 else OK

    stage.hosts.by_name["one"] = Host(lambda _: never("550 5.1.1 not here"))
    stage.hosts.by_name["two"] = Host(greylisted)
    stage.routes.by_name["a.example"] = (hop("two"), hop("one"))
    stage.queue("q1", "x@a.example")
    stage.run()
    assert stage.row("q1").next_attempt - NOW == pytest.approx(60, abs=2)
    stage.routes.by_name["a.example"] = (hop("one"), hop("two"))
    stage.run(61, 0.5)
    assert stage.gone("q1")
    assert len(seen) == 2


def test_a_session_that_the_peer_ended_says_nothing_of_the_message() -> None:
    stage = Stage()
    host = stage.host("a.example")
    host.messages_a_session = 4
    for n in range(10):
        stage.queue(f"q{n}", "x@a.example")
    stage.run(2)
    assert len(host.messages) == 10
    assert stage.kinds() == ["delivered"] * 10


def test_retries_follow_the_schedule_until_it_expires() -> None:
    stage = Stage()
    host = stage.host("a.example", lambda _: later("451 4.3.0 not now"))
    stage.queue("q1", "x@a.example", expires=NOW + 2000)
    stage.run(1)
    waits = []
    before = NOW
    while stage.row("q1").state is State.DEFERRED:
        waits.append(stage.row("q1").next_attempt - before)
        before = stage.row("q1").next_attempt
        stage.run(before - stage.now + 2, 1.0)
    assert waits == pytest.approx([300, 600, 600, 500], abs=3)
    row = stage.row("q1")
    assert (row.state, row.attempts, len(row.history)) == (State.EXPIRED, 5, 5)
    assert len(host.messages) == 5
    assert row.history[0].reply == "451 4.3.0 not now"


def test_a_class_has_a_schedule_of_its_own() -> None:
    stage = Stage(classes={"bulk": {"retry_seconds": (50,)}})
    stage.host("a.example", lambda _: later("451 4.3.0 not now"))
    stage.queue("q1", "x@a.example", mail_class="bulk")
    stage.run(1)
    assert stage.row("q1").next_attempt - NOW == pytest.approx(50, abs=1)


def test_each_recipient_has_its_own_fate() -> None:
    stage = Stage()
    answers = {"a": OK, "b": later("450 4.2.1 busy"), "c": never("550 5.1.1 no such user"), "d": OK}
    stage.host("a.example", lambda to: answers[to[0]])
    stage.queue("q1", *(f"{each}@a.example" for each in answers))
    stage.run()
    states = [stage.row("q1", n).state for n in range(4)]
    assert states == [State.DELIVERED, State.DEFERRED, State.FAILED, State.DELIVERED]


def test_a_domain_that_is_not_there() -> None:
    stage = Stage()
    stage.routes.by_name["no.example"] = Refused("5.1.2", "no such domain")
    stage.routes.by_name["servfail.example"] = TryLater("4.4.3", "the nameserver fails")
    stage.queue("q1", "x@no.example", "x@servfail.example")
    stage.run()
    assert (stage.row("q1", 0).state, stage.row("q1", 0).last_status) == (State.FAILED, "5.1.2")
    assert (stage.row("q1", 1).state, stage.row("q1", 1).last_status) == (State.DEFERRED, "4.4.3")


def test_no_host_that_keeps_the_promise_of_requiretls() -> None:
    stage = Stage()
    host = stage.host("a.example")
    stage.routes.requiring = Refused("5.7.30", "REQUIRETLS support required")
    stage.queue("q1", "x@a.example", require_tls=True)
    stage.queue("q2", "x@a.example")
    stage.run()
    assert (stage.row("q1").state, stage.row("q1").last_status) == (State.FAILED, "5.7.30")
    assert len(host.messages) == 1


def test_a_refusal_at_the_door_is_about_the_door() -> None:
    """RFC 5321 §3.1: the next host is asked, and where there is none, this one later."""
    stage = Stage()
    host = stage.host("a.example")
    host.down = HopFailed("greeting", Refused("5.7.1", "554 5.7.1 go away"), 554, "554 5.7.1 go away")
    stage.queue("q1", "x@a.example")
    stage.run()
    row = stage.row("q1")
    assert (row.state, row.last_status, row.last_reply) == (State.DEFERRED, "4.7.1", "554 5.7.1 go away")
    stage.hosts.by_name["two"] = Host()
    stage.routes.by_name["b.example"] = (hop("mx.a.example"), hop("two"))
    stage.queue("q2", "x@b.example")
    stage.run()
    assert stage.gone("q2")


def test_a_refusal_of_the_session_is_final() -> None:
    stage = Stage()
    host = stage.host("a.example")
    host.down = HopFailed("ehlo", Refused("5.7.1", "550 5.7.1 bad name"), 550, "550 5.7.1 bad name")
    stage.queue("q1", "x@a.example")
    stage.run()
    row = stage.row("q1")
    assert (row.state, row.last_reply) == (State.FAILED, "550 5.7.1 bad name")


def test_flush_forgets_every_rest() -> None:
    stage = Stage()
    host = stage.host("a.example")
    host.down = DOWN
    stage.queue("q1", "x@a.example")
    stage.run(1)
    host.down = None
    stage.wait(stage.store.update([stage.row("q1").__class__(*_fields(stage.row("q1"), next_attempt=stage.now))]))
    stage.run(1)
    assert host.messages == []
    stage.scheduler.flush()
    stage.run(1)
    assert len(host.messages) == 1


def _fields(row: object, **changed: object) -> list[object]:
    names = row.__dataclass_fields__  # type: ignore[attr-defined]
    return [changed.get(name, getattr(row, name)) for name in names]


def test_many_destinations_and_few_engines() -> None:
    stage = Stage(max_connections=4)
    hosts = [stage.host(f"d{n}.example", seconds=0.05) for n in range(30)]
    for n in range(30):
        stage.queue(f"q{n}", f"x@d{n}.example")
        assert stage.scheduler.engines <= 4
    for _ in range(60):
        stage.run(0.1)
        assert stage.scheduler.engines <= 4
    assert all(len(each.messages) == 1 for each in hosts)


def test_what_is_not_due_waits_for_its_time() -> None:
    stage = Stage()
    host = stage.host("a.example")
    stage.queue("q1", "x@a.example", due=NOW + 100)
    stage.run(99, 1.0)
    assert host.messages == []
    stage.run(3, 0.5)
    assert len(host.messages) == 1


def test_stop_waits_for_what_is_in_flight_and_the_rest_stays() -> None:
    stage = Stage(max_connections_per_provider=1)
    host = stage.host("a.example", seconds=3.0)
    for n in range(3):
        stage.queue(f"q{n}", "x@a.example")
    stage.run(1)
    stopped = Deferred.fromCoroutine(stage.scheduler.stop())
    assert not stopped.called
    stage.run(2.5)
    assert stopped.called
    assert len(host.messages) == 1
    assert stage.gone("q0")
    assert [stage.row(f"q{n}").state for n in (1, 2)] == [State.DUE, State.DUE]
    assert host.open == 0
    assert stage.clock.getDelayedCalls() == []


def test_stop_waits_no_longer_than_its_bound() -> None:
    stage = Stage()
    host = stage.host("a.example", seconds=1000.0)
    stage.queue("q1", "x@a.example")
    stage.run(1)
    stopped = Deferred.fromCoroutine(stage.scheduler.stop())
    stage.run(9)
    assert not stopped.called
    stage.run(2)
    assert stopped.called
    assert host.open == 0


def test_a_disk_that_is_full_for_a_while_sends_nothing_twice() -> None:
    stage = Stage()
    host = stage.host("a.example")
    stage.queue("q1", "x@a.example")
    stage.store.full = True  # type: ignore[attr-defined]
    stage.run(20)
    assert len(host.messages) == 1
    stage.store.full = False  # type: ignore[attr-defined]
    stage.run(10)
    assert stage.gone("q1")
    assert len(host.messages) == 1


def test_a_message_that_breaks_us_holds_nobody_up() -> None:
    class Broken(AsAccepted):
        async def prepare(
            self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], body: bytes, form: str
        ) -> bytes:
            if entry.queue_id == "bad":
                raise ZeroDivisionError("a defect")
            return body

    stage = Stage(parts={"preparation": Broken()})
    host = stage.host("a.example")
    with capturedLogs() as logged:
        stage.queue("bad", "x@a.example", expires=NOW + 400)
        for n in range(3):
            stage.queue(f"q{n}", "x@a.example")
        stage.run(2)
        assert len(host.messages) == 3
        row = stage.row("bad")
        assert (row.state, row.last_status, row.attempts) == (State.DEFERRED, "4.3.0", 1)
        stage.run(450, 1.0)
    assert stage.row("bad").state is State.EXPIRED
    assert sum("log_failure" in each and each.get("queue_id") == "bad" for each in logged) == 3
