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
