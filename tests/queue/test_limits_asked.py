"""What limits, sources, screening and preparation say is done."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mailserverd.interfaces.mail_transport import Hop
from mailserverd.model.errors import TryAgain
from mailserverd.model.outcome import Refused, TryLater
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry, State
from mailserverd.queue.parts import AnySource, AsAccepted, ConfiguredLimits, NothingScreened, Source, Wait
from tests.queue.stage import NOW, OK, Host, Stage, hop, later


class Pool(AnySource):
    """answers: by class."""

    def __init__(self, answers: dict[str, Source | Wait]) -> None:
        self.answers = answers
        self.picked: list[tuple[str, str, int]] = []
        self.returned: list[int] = []

    def pick(self, mail_class: str, provider: str, recipients: int, now: int) -> Source | Wait:
        self.picked.append((mail_class, provider, recipients))
        return self.answers[mail_class]

    def unused(self, source: Source, provider: str, recipients: int, now: int) -> None:
        self.returned.append(recipients)


class Screen(NothingScreened):
    def __init__(self) -> None:
        self.answer: Mapping[int, Refused | Wait] = {}
        self.broken = False

    async def stopped(
        self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], now: int
    ) -> Mapping[int, Refused | Wait]:
        if self.broken:
            raise TryAgain("the disk is full")
        return self.answer


class Paced(ConfiguredLimits):
    """A message every 10 seconds."""

    def __init__(self, stage: list[Stage]) -> None:
        super().__init__(lambda: stage[0].settings)
        self._stage = stage
        self.not_before = 0.0
        self.heard: list[object] = []

    def wait(self, provider: str) -> float:
        return max(0.0, self.not_before - self._stage[0].clock.seconds())

    def begun(self, provider: str) -> None:
        self.not_before = self._stage[0].clock.seconds() + 10

    def succeeded(self, provider: str, source: str, recipients: int, now: int) -> None:
        self.heard.append((provider, source, recipients))

    def failed(self, provider: str, source: str, outcome: TryLater | Refused, code: int, reply: str, now: int) -> None:
        self.heard.append((provider, source, code))

    def forget(self) -> None:
        self.not_before = 0.0


def test_mail_goes_from_the_address_of_its_class() -> None:
    pool = Pool({"bulk": Source("127.0.0.5", "bulk.example.org"), "": Source()})
    stage = Stage(parts={"sources": pool})
    host = stage.host("a.example")
    for n in range(4):
        stage.queue(f"q{n}", "x@a.example", mail_class="bulk" if n % 2 else "")
    stage.run()
    assert {(each.hop.source, each.hop.helo) for each in host.sessions} == {
        ("127.0.0.5", "bulk.example.org"),
        ("", "out.example.org"),
    }
    assert len(host.messages) == 4
    assert stage.notes.attempts[1].source in ("", "127.0.0.5")
    assert pool.returned == []


def test_an_address_that_cannot_reach_the_host_is_not_used() -> None:
    pool = Pool({"": Source("2001:db8::5")})
    stage = Stage(parts={"sources": pool})
    stage.hosts.by_name["mx"] = Host()
    stage.routes.by_name["a.example"] = (hop("mx", "192.0.2.1"),)
    stage.queue("q1", "x@a.example")
    stage.run()
    assert stage.hosts.tried == []
    assert stage.row("q1").last_status == "4.4.1"
    assert pool.returned == [1]
    stage.routes.by_name["b.example"] = (hop("mx", "192.0.2.1"), hop("mx", "2001:db8::1"))
    stage.queue("q2", "x@b.example")
    stage.run()
    assert stage.gone("q2")


def test_what_waits_for_an_address_is_no_attempt() -> None:
    pool = Pool({"": Wait(NOW + 500, "the address is warming up")})
    stage = Stage(parts={"sources": pool})
    host = stage.host("a.example")
    stage.queue("q1", "x@a.example")
    stage.run()
    row = stage.row("q1")
    assert (row.state, row.attempts, row.next_attempt, row.last_reply) == (
        State.DUE, 0, NOW + 500, "the address is warming up",
    )  # fmt: skip
    assert stage.notes.attempts == []
    pool.answers[""] = Source()
    stage.run(501, 1.0)
    assert len(host.messages) == 1


def test_waiting_does_not_last_beyond_its_time() -> None:
    stage = Stage(parts={"sources": Pool({"": Wait(NOW + 5_000, "warming up")})})
    stage.host("a.example")
    stage.queue("q1", "x@a.example", expires=NOW + 300)
    stage.run(310, 1.0)
    assert stage.row("q1").state is State.EXPIRED


def test_suppressed_recipients_are_not_tried() -> None:
    screen = Screen()
    stage = Stage(parts={"screening": screen})
    host = stage.host("a.example")
    screen.answer = {1: Refused("5.7.1", "suppressed: it bounced"), 2: Wait(NOW + 60, "suspended")}
    stage.queue("q1", "x@a.example", "y@a.example", "z@a.example")
    stage.run()
    assert host.recipients() == ["x@a.example"]
    assert [stage.row("q1", n).state for n in range(3)] == [State.DELIVERED, State.SUPPRESSED, State.DUE]
    assert sorted(stage.kinds()) == ["delivered", "suppressed"]
    screen.answer, screen.broken = {}, True
    stage.run(70, 1.0)
    assert stage.row("q1", 2).last_reply == "suspended"
    screen.broken = False
    stage.run(120, 1.0)
    assert host.recipients() == ["x@a.example", "z@a.example"]


def test_a_rate_is_kept_and_flush_forgets_it() -> None:
    stages: list[Stage] = []
    limits = Paced(stages)
    stages.append(Stage(parts={"limits": limits}))
    stage = stages[0]
    host = stage.host("a.example")
    for n in range(5):
        stage.queue(f"q{n}", "x@a.example")
    stage.run(15, 0.5)
    assert len(host.messages) == 2
    stage.scheduler.flush()
    stage.run(1)
    assert len(host.messages) == 3
    stage.run(21, 0.5)
    assert len(host.messages) == 5


def test_limits_hear_each_kind_of_reply_once() -> None:
    stages: list[Stage] = []
    limits = Paced(stages)
    stages.append(Stage(parts={"limits": limits, "sources": Pool({"": Source("127.0.0.5")})}))
    stage = stages[0]
    busy = later("421 4.7.0 too many from you")
    stage.hosts.by_name["mx"] = Host(lambda to: OK if to[0] == "x" else busy)
    stage.routes.by_name["a.example"] = (hop("mx", "127.0.0.1"),)
    stage.queue("q1", "x@a.example", "y@a.example", "z@a.example")
    stage.run()
    assert limits.heard == [("mx", "127.0.0.5", 421), ("mx", "127.0.0.5", 1)]


def test_a_class_whose_recipients_go_alone() -> None:
    class Verp(AsAccepted):
        def alone(self, entry: QueueEntry) -> bool:
            return True

        def sender(self, entry: QueueEntry, recipient: QueuedRecipient) -> str:
            return f"bounce+{recipient.position}@example.org"

        async def prepare(
            self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], body: bytes, form: str
        ) -> bytes:
            return b"To: " + recipients[0].address.encode() + b"\r\n" + body

    stage = Stage(parts={"preparation": Verp()})
    host = stage.host("a.example")
    stage.queue("q1", "x@a.example", "y@a.example")
    stage.run()
    assert {each.sender for each in host.messages} == {"bounce+0@example.org", "bounce+1@example.org"}
    assert {each.partition(b"\r\n")[0] for each in host.bodies} == {b"To: x@a.example", b"To: y@a.example"}


def test_a_hop_bears_its_source() -> None:
    stage = Stage(parts={"sources": Pool({"": Source("127.0.0.9", "")})})
    host = stage.hosts.by_name["mx"] = Host()
    stage.routes.by_name["a.example"] = (hop("mx", "127.0.0.1"),)
    stage.queue("q1", "x@a.example")
    stage.run()
    assert host.sessions[0].hop == replace(hop("mx", "127.0.0.1"), source="127.0.0.9")
    assert isinstance(host.sessions[0].hop, Hop)
