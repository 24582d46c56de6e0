"""Write to a TCP transport at once where it can be done.

Standing rule: what does not go out in one call (TLS, octets queued before, a full socket, an error) is left to
Twisted's `write`, which queues and waits for the socket's turn in the next round of the reactor. A client that waits
for each RETR gains that round: a third of the time of a small message.
"""

from typing import Any

from twisted.internet.tcp import Connection


def write_now(transport: Any, octets: bytes) -> None:
    if (
        isinstance(transport, Connection)
        and transport.connected
        and not (transport.TLS or transport.disconnecting or transport.dataBuffer or transport._tempDataBuffer)
    ):
        sent = transport.writeSomeData(octets)
        if sent == len(octets):
            return
        if isinstance(sent, int):
            octets = octets[sent:]
    transport.write(octets)
