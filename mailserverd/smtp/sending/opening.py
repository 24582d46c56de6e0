"""From a connection to a session: greeting, EHLO, STARTTLS, AUTH (RFC 5321 §3.1, RFC 3207, RFC 4954).

Standing rules: what was said before TLS counts for nothing after it; what the rule of the hop asks for is had, or
there is no session; a server that breaks off TLS is left, and whether to come back without is for the caller to say.
"""

from typing import NoReturn

from OpenSSL import SSL
from twisted.logger import Logger

from mailserverd.config.outbound import Timeouts
from mailserverd.interfaces.mail_transport import Hop, HopFailed
from mailserverd.model.outcome import TryLater
from mailserverd.smtp.sending.conversation import Conversation
from mailserverd.smtp.sending.results import NO_ANSWER
from mailserverd.smtp.sending.tls import ClientTls, NotTrusted, check, described
from mailserverd.wire.smtp.client.command import BadArgument, hello
from mailserverd.wire.smtp.client.offer import NOTHING, PeerOffer, read_offer
from mailserverd.wire.smtp.client.outcome import failure_of
from mailserverd.wire.smtp.client.reply import Reply, clean

_log = Logger()


class Opening:
    """Of one hop's session. offer: what stands after the last EHLO."""

    def __init__(self, conversation: Conversation, hop: Hop, timeouts: Timeouts) -> None:
        self.conversation = conversation
        self.hop = hop
        self.timeouts = timeouts
        self.offer: PeerOffer = NOTHING

    async def greeting(self) -> None:
        reply = await self.reply("greeting", b"", self.timeouts.greeting_seconds)
        if reply.code != 220:
            self.refused("greeting", reply)

    async def hello(self) -> None:
        """EHLO, then HELO where the server does not know it (RFC 5321 §3.2); LHLO has no older form."""
        lmtp = self.hop.protocol == "lmtp"
        reply = await self._say_hello("LHLO" if lmtp else "EHLO")
        if reply.code == 250:
            self.offer = read_offer(reply)
            return
        if reply.code // 100 == 5 and not lmtp:
            reply = await self._say_hello("HELO")
            if reply.code // 100 == 2:
                self.offer = NOTHING
                return
        self.refused("ehlo", reply)

    async def secure(self, tls: ClientTls) -> tuple[str, bool]:
        """STARTTLS where the rule or the server's offer asks for it, and EHLO once more. What Peer says of TLS."""
        need = self.hop.tls.need
        if need == "none":
            return "", False
        if "STARTTLS" in self.offer.keywords:
            reply = await self.reply("tls", b"STARTTLS\r\n", self.timeouts.ehlo_seconds)
            if reply.code == 220:
                found = await self.handshake(tls)
                self.offer = NOTHING
                await self.hello()
                return found
            if need != "may":
                failure = failure_of(reply)
                outcome = TryLater("4.7.4", f"TLS is required, and STARTTLS was refused: {failure.why}")
                raise HopFailed("tls", outcome, reply.code, reply.text, "starttls-not-supported")
        elif need != "may":
            why = "TLS is required, and the server does not offer it"
            raise HopFailed("tls", TryLater("4.7.4", why), tls_reason="starttls-not-supported")
        return "", False

    async def handshake(self, tls: ClientTls) -> tuple[str, bool]:
        """TLS from here on, and the certificate as the rule wants it. Raises HopFailed."""
        conversation = self.conversation
        try:
            creator = tls.creator(self.hop)
        except SSL.Error:
            _log.failure("the authorities for TLS towards other servers cannot be read")
            raise HopFailed("tls", TryLater("4.3.5", "the authorities for TLS cannot be read")) from None
        await conversation.start_tls(creator, self.timeouts.greeting_seconds)
        if conversation.failure or creator.connection is None:
            why = f"TLS handshake failed: {_told(conversation)}"
            raise HopFailed("tls", TryLater("4.7.5", why), tls_reason="validation-failure")
        try:
            verified = check(creator, self.hop)
        except NotTrusted as error:
            conversation.fail("given up")
            raise HopFailed("tls", TryLater("4.7.5", str(error)), tls_reason=error.reason) from None
        return described(creator.connection), verified

    async def _say_hello(self, verb: str) -> Reply:
        try:
            command = hello(verb, self.hop.helo)
        except BadArgument as error:
            raise HopFailed("ehlo", TryLater("4.3.5", str(error))) from None
        return await self.reply("ehlo", command, self.timeouts.ehlo_seconds)

    async def reply(self, stage: str, command: bytes, seconds: float) -> Reply:
        """The one reply; 421 and silence end the session."""
        found = await self.conversation.ask(command, (seconds,))
        if not found:
            raise self.broke(stage)
        if self.conversation.going is not None:
            self.refused(stage, found[0])
        return found[0]

    def broke(self, stage: str) -> HopFailed:
        why = self.conversation.failure or "the server closed the connection"
        return HopFailed(stage, TryLater(NO_ANSWER, f"{why} ({_WAITED[stage]})"))

    def refused(self, stage: str, reply: Reply) -> NoReturn:
        raise HopFailed(stage, failure_of(reply), reply.code, reply.text)


def _told(conversation: Conversation) -> str:
    """What OpenSSL says of it, such as "tlsv1 alert internal error"."""
    for each in conversation.tls_error:
        if isinstance(each, list) and each and isinstance(each[0], tuple):
            return clean(str(each[0][-1]).encode("ascii", "replace"))
    return conversation.failure


_WAITED = {
    "greeting": "waiting for its greeting",
    "ehlo": "waiting for its answer to EHLO",
    "tls": "starting TLS",
    "auth": "logging in",
}
