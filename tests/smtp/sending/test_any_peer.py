"""Peers that say anything at all: a session or a reason, a fate for everybody, an end in bounded time.

And nobody is Delivered but who was told so after the last octet of the message.
"""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailserverd.interfaces.mail_transport import HopFailed
from mailserverd.model.outcome import Delivered
from mailserverd.smtp.sending.conversation import ALL_ANSWERS_SECONDS
from tests.smtp.sending.stage import BODY, Stage, message

LINES = [
    "220 hello",
    "250 ok",
    "250-more",
    "250-PIPELINING",
    "250 8BITMIME",
    "250 ok",
    "250 ok",
    "354 go",
    "354 go",
    "421 4.3.2 bye",
    "450 4.2.1 later",
    "452 4.5.3 too many recipients",
    "550 5.1.1 no",
    "554 5.7.1 never",
    "334 what",
    "nonsense",
    "",
    "250",
]
LINE = st.sampled_from(LINES).map(lambda line: (line + "\r\n").encode())
STEPS = st.lists(
    st.one_of(
        LINE,
        st.lists(LINE, min_size=1, max_size=4).map(b"".join),
        st.sampled_from([b"2", b"25", b"250", b"\n", b"\r", b"\xff", b"\0"]),
        st.just(b""),  # a pause
        st.none(),  # the end
    ),
    max_size=14,
)
GOOD = [b"220 hi\r\n", b"250-mx\r\n250 PIPELINING\r\n", b"250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n", b"250 done\r\n"]
RCPTS = ("b@y.example", "c@y.example")


class Peer:
    """ended: how many messages have come whole. told: a 2yz line was said since the last of them."""

    def __init__(self, protocol: str) -> None:
        self.stage = Stage(protocol)
        self.stage.accept()
        self.heard = b""
        self.told = False

    def does(self, step: bytes | None) -> None:
        stage = self.stage
        self.heard += stage.heard()
        whole = BODY + b".\r\n" in self.heard
        if step is None:
            if not stage.wire.aborted:
                stage.wire.aborted = True
                stage.closes()
        elif step == b"":
            stage.passes(20)
        else:
            self.told = self.told or (whole and b"2" in step and not stage.wire.aborted)
            stage.sends(step)
        self.heard += stage.heard()


@given(st.sampled_from(["smtp", "lmtp"]), st.sampled_from([0, 1, 2, 2, 2, 3, 3, 4]), STEPS, STEPS)
@example("smtp", 2, [], [GOOD[2] + GOOD[3]])
@example("lmtp", 2, [], [GOOD[2] + GOOD[3] * 2])
@settings(max_examples=400, deadline=None)
def test_any_peer(protocol: str, good: int, before: list[bytes | None], after: list[bytes | None]) -> None:
    peer = Peer(protocol)
    stage = peer.stage
    for step in [*GOOD[: min(good, 2)], *before]:
        peer.does(step)
    if not stage.connecting.done:
        stage.reactor.pump([50] * 10)
    assert stage.connecting.done
    if not hasattr(stage.connecting.answer, "idle"):
        assert isinstance(stage.connecting.failed, HopFailed)
        assert stage.wire.disconnecting or stage.wire.aborted
        return
    stage.connection = stage.connecting.answer
    sending = stage.send(message(*RCPTS))
    for step in [*GOOD[2 : max(good, 2)], *after]:
        peer.does(step)
    if not sending.done:
        stage.reactor.pump([50] * int(2 * ALL_ANSWERS_SECONDS / 50))
    assert sending.done
    assert len(sending.sent.results) == len(RCPTS)
    assert stage.connection.idle() is (not sending.sent.broken and not stage.wire.aborted)
    if any(isinstance(each.outcome, Delivered) for each in sending.sent.results):
        assert peer.told
    assert all(each.reply.isprintable() for each in sending.sent.results)
    if stage.connection.idle():
        assert not stage.wire.aborted
