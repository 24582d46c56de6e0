"""connection/end.py"""

import pytest

from mailserverd.connection.end import close


class Handle:
    def __init__(self, cipher: str | None) -> None:
        self._cipher = cipher

    def get_cipher_name(self) -> str | None:
        return self._cipher


class Transport:
    def __init__(self, handle: object) -> None:
        self._handle = handle
        self.end = ""

    def getHandle(self) -> object:
        return self._handle

    def loseConnection(self) -> None:
        self.end += "lost"

    def abortConnection(self) -> None:
        self.end += "aborted"


@pytest.mark.parametrize(
    ("handle", "end"), [(object(), "lost"), (Handle("TLS_AES_128_GCM_SHA256"), "lost"), (Handle(None), "aborted")]
)
def test_without_a_handshake_nothing_is_waited_for(handle: object, end: str) -> None:
    transport = Transport(handle)
    close(transport)
    assert transport.end == end


def test_a_transport_without_a_handle() -> None:
    class Pipe:
        lost = False

        def loseConnection(self) -> None:
            self.lost = True

    pipe = Pipe()
    close(pipe)
    assert pipe.lost
