"""Which mechanisms there are, best first. Standing rule: what is offered here works whole on every protocol."""

from mailserverd.wire.sasl.login import Login
from mailserverd.wire.sasl.plain import Plain
from mailserverd.wire.sasl.scram import Scram
from mailserverd.wire.sasl.steps import ChannelBinding, Mechanism

SCRAM_PLUS = "SCRAM-SHA-256-PLUS"
SCRAM = "SCRAM-SHA-256"
WITHOUT_BINDING = (SCRAM, "PLAIN", "LOGIN")
WITH_BINDING = (SCRAM_PLUS, *WITHOUT_BINDING)


def mechanism_named(name: str, channel: ChannelBinding | None, nonce: bytes) -> Mechanism | None:
    """A fresh exchange of the mechanism of this name (any case), or None where there is none."""
    upper = name.upper()
    if upper == "PLAIN":
        return Plain()
    if upper == "LOGIN":
        return Login()
    if upper == SCRAM:
        return Scram(plus=False, channel=channel, nonce=nonce)
    if upper == SCRAM_PLUS and channel is not None:
        return Scram(plus=True, channel=channel, nonce=nonce)
    return None
