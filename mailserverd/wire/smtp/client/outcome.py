"""What a reply means for a recipient or a session.

Standing rules: 2yz, and nothing else, is success; 4yz is temporary and 5yz final, whatever the text says; a server
without enhanced status codes gets X.0.0, as nothing more is known; a code that has no place here is temporary.
"""

from mailserverd.model.outcome import Delivered, Outcome, Refused, TryLater
from mailserverd.wire.smtp.client.reply import Reply

OUT_OF_STEP = "4.5.0"  # RFC 3463 §3.6: other or undefined protocol status


def outcome_of(reply: Reply, where: str = "") -> Outcome:
    """Of the reply to a message, or (2yz: it may go on) of one to a command."""
    kind = reply.code // 100
    if kind == 2:
        return Delivered(where)
    return failure_of(reply)


def failure_of(reply: Reply) -> TryLater | Refused:
    """Of a reply that is not the one hoped for."""
    kind = reply.code // 100
    status = reply.status
    if kind == 5 and status != "5.5.3":  # RFC 5321 §4.5.3.1.10: too many recipients passes
        return Refused(status or "5.0.0", reply.text)
    if kind == 4:
        return TryLater(status or "4.0.0", reply.text)
    if kind == 5:
        return TryLater("4.5.3", reply.text)
    return TryLater(OUT_OF_STEP, f"unexpected reply: {reply.text}")
