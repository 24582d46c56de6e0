"""One message to one server: MAIL, RCPT, the octets, and what each recipient met (RFC 5321 §3.3, RFC 2033 §4).

Standing rules: one write for the envelope where PIPELINING is offered, and one for a message of a block; the message
goes only where somebody takes it; a transaction that did not reach its end is ended by RSET.
"""

from collections.abc import Iterator

from mailserverd.config.outbound import Timeouts
from mailserverd.interfaces.mail_transport import Outgoing, Sent
from mailserverd.model.outcome import TryLater
from mailserverd.smtp.sending.conversation import Conversation
from mailserverd.smtp.sending.letter import Letter
from mailserverd.smtp.sending.results import Results
from mailserverd.wire.smtp.client.offer import PeerOffer
from mailserverd.wire.smtp.client.outcome import OUT_OF_STEP
from mailserverd.wire.smtp.client.reply import Reply
from mailserverd.wire.smtp.client.stuffing import BLOCK_OCTETS, bdat_command, blocks, data_blocks, data_form


class Transaction:
    """lmtp: each recipient that was taken has a reply of its own to the message (RFC 2033 §4.2)."""

    __slots__ = ("_conversation", "_letter", "_lmtp", "_offer", "_results", "_timeouts")

    def __init__(
        self,
        conversation: Conversation,
        offer: PeerOffer,
        timeouts: Timeouts,
        lmtp: bool,
        letter: Letter,
        results: Results,
    ) -> None:
        self._conversation = conversation
        self._offer = offer
        self._timeouts = timeouts
        self._lmtp = lmtp
        self._letter = letter
        self._results = results

    async def run(self) -> None:
        """Gives each recipient of the letter a result; where the message or the conversation can go no further, every
        other one that has none."""
        conversation, results = self._conversation, self._results
        conversation.begin_answers()
        replies = await self._envelope()
        recipients = self._letter.recipients
        if not replies:
            results.unanswered(conversation.failure, conversation.going)
            return
        if replies[0].code // 100 != 2:
            results.failed(results.open(), replies[0])
            if replies[-1].code == 354:
                conversation.fail("354 for DATA after a refusal of MAIL")
            return
        taken = self._judge(replies[1 : 1 + len(recipients)])
        over = len(replies) > 1 + len(recipients)
        if conversation.keeps_step():
            ended = await self._message(taken, replies[-1] if over else None)
            if conversation.keeps_step() and not ended:
                await self._reset()
        if not conversation.keeps_step():
            results.unanswered(conversation.failure, conversation.going)

    async def _envelope(self) -> list[Reply]:
        """The replies to MAIL, to each RCPT, and to DATA where it went with them."""
        letter, timeouts, ask = self._letter, self._timeouts, self._conversation.ask
        commands = [letter.mail, *(command for _, command in letter.recipients)]
        limits: list[float] = [timeouts.mail_seconds, *[timeouts.rcpt_seconds] * len(letter.recipients)]
        if "PIPELINING" in self._offer.keywords:  # RFC 2920
            if not letter.chunked:
                commands.append(b"DATA\r\n")
                limits.append(timeouts.data_seconds)
            return await ask(b"".join(commands), limits)
        replies: list[Reply] = []
        for command, limit in zip(commands, limits, strict=True):
            got = await ask(command, (limit,))
            replies += got
            if not got or not self._conversation.keeps_step() or replies[0].code // 100 != 2:
                break
        return replies

    def _judge(self, replies: list[Reply]) -> list[int]:
        """The recipients that were taken."""
        taken = []
        for (position, _), reply in zip(self._letter.recipients, replies, strict=False):
            if reply.code // 100 == 2:
                taken.append(position)
            else:
                self._results.failed((position,), reply)
        return taken

    async def _message(self, taken: list[int], told: Reply | None) -> bool:
        """told: the reply to DATA, where it was asked for. Whether the server has ended the transaction."""
        conversation = self._conversation
        if self._letter.chunked:
            return bool(taken) and await self._octets(taken)
        if told is None:
            if not taken:
                return False
            got = await conversation.ask(b"DATA\r\n", (self._timeouts.data_seconds,))
            if not got:
                return False
            told = got[0]
        if told.code == 354 and taken:
            return await self._octets(taken)
        if told.code == 354:
            return await self._nothing()
        if taken:
            self._results.failed(taken, told)
        if told.code < 400:
            conversation.fail(f"no 354 for DATA: {told.text}")
        return False

    async def _octets(self, taken: list[int]) -> bool:
        limits = [self._timeouts.dot_seconds] * (len(taken) if self._lmtp else 1)
        octets, chunked = self._letter.octets, self._letter.chunked
        self._conversation.begin_answers()
        if len(octets) <= BLOCK_OCTETS:
            whole = bdat_command(len(octets), True) + octets if chunked else data_form(octets)
            replies = await self._conversation.ask(whole, limits)
        else:
            pieces = self._chunk() if chunked else data_blocks(octets)
            replies = await self._conversation.send(pieces, self._timeouts.block_seconds, limits)
        sent_dsn = "DSN" in self._offer.keywords
        if not self._lmtp and replies:
            self._results.answered(taken, replies[0], sent_dsn)
        elif replies:
            for position, reply in zip(taken, replies, strict=False):
                self._results.answered((position,), reply, sent_dsn)
        return len(replies) == len(limits) and not (chunked and replies[-1].code >= 300)

    def _chunk(self) -> Iterator[bytes]:
        yield bdat_command(len(self._letter.octets), True)
        yield from blocks(self._letter.octets)

    async def _nothing(self) -> bool:
        """354 though nobody was taken: an empty message ends it (RFC 2920 §3.1). LMTP has no reply for nobody."""
        if self._lmtp:
            self._conversation.fail("354 for DATA without a recipient")
            return True
        return bool(await self._conversation.ask(b".\r\n", (self._timeouts.dot_seconds,)))

    async def _reset(self) -> None:
        got = await self._conversation.ask(b"RSET\r\n", (self._timeouts.mail_seconds,))
        if got and got[0].code // 100 != 2:
            self._conversation.fail(f"RSET was refused: {got[0].text}")


def out_of_step(message: Outgoing, where: str, why: str) -> Sent:
    """Nothing was sent."""
    results = Results(len(message.recipients), where)
    results.all_open(TryLater(OUT_OF_STEP, why), why)
    return results.sent(True)
