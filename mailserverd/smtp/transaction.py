"""One message from MAIL to its end.

Standing rule: what is being received is given up the moment the message cannot be accepted; its octets are still
read, up to a bound, but kept nowhere.
"""

from mailserverd.delivery.envelope import Routed
from mailserverd.delivery.spool import Spool, Spooled
from mailserverd.wire.smtp.command import Mail


class Transaction:
    """octets: received and wanted so far. chunked: BDAT was begun. broken: a chunk failed, only RSET helps."""

    __slots__ = (
        "broken",
        "carry",
        "chunked",
        "last_chunk",
        "mail",
        "octets",
        "queue_id",
        "recipients",
        "refused",
        "spooled",
    )

    def __init__(self, queue_id: str, mail: Mail) -> None:
        self.queue_id = queue_id
        self.mail = mail
        self.recipients: list[Routed] = []
        self.refused = 0
        self.spooled: Spooled | None = None
        self.octets = 0
        self.chunked = False
        self.last_chunk = False
        self.carry = False
        self.broken = False

    def begin(self, spool: Spool) -> None:
        if self.spooled is None:
            self.spooled = spool.open()

    def take(self, block: bytes, limit: int) -> None:
        """Keep a block, unless the message is over the limit or was given up."""
        self.octets += len(block)
        if self.spooled is None:
            return
        if self.octets > limit:
            self.give_up()
        else:
            self.spooled.append(block)

    def give_up(self) -> None:
        if self.spooled is not None:
            self.spooled.close()
            self.spooled = None
