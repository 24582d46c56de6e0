"""The end of a connection.

Standing rule: what was written still goes out, but not to a client that has not come through its TLS handshake: Twisted
would wait for that with the last octets, and so for ever.
"""

from typing import Any


def close(transport: Any) -> None:
    handle: Any = transport.getHandle() if hasattr(transport, "getHandle") else None
    if hasattr(handle, "get_cipher_name") and handle.get_cipher_name() is None:
        transport.abortConnection()
    else:
        transport.loseConnection()


def close_unread(transport: Any) -> None:
    """As close, to a client of which there is more to read: were that never read, TCP would answer it with a reset, at
    which the client may lose what we said last (RFC 1122 §4.2.2.13). The caller reads and throws away, and ends it."""
    handle: Any = transport.getHandle() if hasattr(transport, "getHandle") else None
    if handle is None or hasattr(handle, "get_cipher_name") or not hasattr(transport, "loseWriteConnection"):
        close(transport)
        return
    transport.loseWriteConnection()
    transport.resumeProducing()
