"""A session with a server, past its opening: what `queue` knows as a MailConnection."""

from collections.abc import Callable
from typing import Any

from mailserverd.config.outbound import Timeouts
from mailserverd.interfaces.mail_transport import Outgoing, Peer, Sent
from mailserverd.model.outcome import TryLater
from mailserverd.smtp.sending.conversation import Conversation
from mailserverd.smtp.sending.letter import CannotSend, Letter, letter_for
from mailserverd.smtp.sending.results import Results
from mailserverd.smtp.sending.transaction import Transaction, out_of_step
from mailserverd.wire.smtp.client.offer import PeerOffer


class SmtpConnection:
    """Satisfies interfaces.mail_transport.MailConnection."""

    def __init__(
        self,
        conversation: Conversation,
        peer: Peer,
        offer: PeerOffer,
        timeouts: Timeouts,
        lmtp: bool,
        in_thread: Callable[..., Any],
    ) -> None:
        self.peer = peer
        self._conversation = conversation
        self._offer = offer
        self._timeouts = timeouts
        self._lmtp = lmtp
        self._in_thread = in_thread
        self._sending = False
        self._messages = 0

    async def send(self, message: Outgoing) -> Sent:
        if not self.idle():
            return out_of_step(message, self.peer.where, self._conversation.failure or "the connection is not free")
        self._sending = True
        try:
            return await self._send(message)
        finally:
            self._sending = False

    async def _send(self, message: Outgoing) -> Sent:
        conversation = self._conversation
        results = Results(len(message.recipients), self.peer.where)
        try:
            letter = await letter_for(message, self.peer, self._offer, results, self._in_thread)
        except CannotSend as error:
            results.all_open(error.outcome, str(error))
            return results.sent(not conversation.in_step)
        await self._in_rounds(letter, results)
        return results.sent(not conversation.keeps_step())

    async def _in_rounds(self, letter: Letter, results: Results) -> None:
        """As many recipients at a time as the server takes: the rest go in another transaction (RFC 5321 §4.5.3.1.10),
        as long as each brings the message to somebody."""
        waiting = letter.recipients
        while waiting and self._in_session():
            asked = waiting[: self._offer.max_recipients or len(waiting)]  # RFC 9422 §4.2
            self._messages += 1
            part = letter._replace(recipients=asked)
            await Transaction(self._conversation, self._offer, self._timeouts, self._lmtp, part, results).run()
            if not any(results.delivered(position) for position, _ in asked):
                break
            too_many = [each for each in asked if results.too_many(each[0])]
            waiting = [*too_many, *waiting[len(asked) :]]
        if not self._conversation.in_step:
            results.unanswered(self._conversation.failure, self._conversation.going)
        why = "the server takes no more recipients at present"
        results.all_open(TryLater("4.5.3", why), why)

    def idle(self) -> bool:
        return not self._sending and self._in_session()

    def _in_session(self) -> bool:
        if not self._conversation.in_step:
            return False
        return not self._offer.max_messages or self._messages < self._offer.max_messages  # RFC 9422 §4.1

    async def close(self) -> None:
        if self._sending:
            self._conversation.abort()
        else:
            self._conversation.quit()

    def abort(self) -> None:
        self._conversation.abort()
