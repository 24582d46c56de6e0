"""Whether a client is let in, as soon as its address is known.

Standing rule: who is let in is counted from here on, until `connections.leave`.
"""

from twisted.logger import Logger

from mailserverd.smtp.services import Services
from mailserverd.smtp.settings import LMTP, Settings
from mailserverd.wire.smtp.reply import reply

_log = Logger()


def refusal(services: Services, settings: Settings, client: str) -> bytes:
    """What a client is told that is turned away; b"": it is let in."""
    if settings.door == LMTP and client not in settings.trusted_networks:
        _log.warn("LMTP client is not in trusted_networks", address=client)
        return reply(554, "5.7.1", "this service is for listed hosts only")
    reason = services.connections.admit(settings.listener, client)
    return b"" if reason is None else reply(421, "4.7.0", f"{settings.hostname} {reason}")
