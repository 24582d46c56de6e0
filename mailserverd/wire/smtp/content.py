"""What may not stand in a message that is made of lines, and the receivers of DATA and BDAT.

Standing rules: octets are looked at a chunk at a time, never a line at a time; a message ends at CRLF "." CRLF and
nowhere else (RFC 5321 §4.1.1.4); a CR or LF alone and NUL make a message that is refused whole (RFC 5321 §2.3.8,
§4.1.1.4; the ends that smuggling relies on all have one); no octet of a body is ever taken for a command; a receiver
holds four octets at most, the rest goes to its caller at once.
"""

import enum

_END = b"\r\n.\r\n"
_CRLF = b"\r\n"
_CRS = bytes(octet == 13 for octet in range(256))  # for translate: 1 where a CR is, 0 elsewhere
_LFS = bytes(octet == 10 for octet in range(256))


class Fault(enum.Enum):
    """Why a message is refused at its end; the value is a line for the client."""

    BARE_LINE_END = "the message holds a CR or LF that is not part of CRLF"
    NUL = "the message holds a NUL octet"


def fault_of(block: bytes) -> Fault | None:
    """The fault of a run of octets that neither begins with the LF nor ends with the CR of a CRLF."""
    if b"\0" in block:
        return Fault.NUL
    if block[:1] == b"\n" or block[-1:] == b"\r" or block.translate(_CRS)[:-1] != block.translate(_LFS)[1:]:
        return Fault.BARE_LINE_END
    return None


class DataReceiver:
    """The octets after 354: finds the end, takes the stuffed dots out (RFC 5321 §4.5.2), notes the fault."""

    __slots__ = ("_skip", "_tail", "fault")

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self._tail = b""
        self._skip = -1  # -1: nothing came yet; 2: a CRLF of our own stands before the first octet

    def feed(self, chunk: bytes) -> tuple[bytes, bytes | None]:
        if not chunk:
            return b"", None
        data = self._tail + chunk if self._tail else chunk
        if self._skip < 0:
            # The end may come at once: the CRLF of the DATA line is the first of CRLF "." CRLF.
            self._skip = 0
            if data[:1] == b".":
                data, self._skip = _CRLF + data, 2
        dot = data.find(b"\r\n.")
        if dot >= 0 and dot != len(data) - 5:
            return self._with_dots(data, data.find(_END, dot))
        if dot >= 0 and data.endswith(_END):
            self._tail = b""
            return self._block(data[:-3]), b""
        return self._hold_back(data)

    def _with_dots(self, data: bytes, end: int) -> tuple[bytes, bytes | None]:
        if end < 0:
            return self._hold_back(data)
        self._tail = b""
        return self._block(data[: end + 2].replace(b"\r\n.", _CRLF)), data[end + 5 :]

    def _hold_back(self, data: bytes) -> tuple[bytes, None]:
        """Keep what may be the beginning of the end, or half a CRLF."""
        held = 0
        for length in (4, 3, 2, 1):
            if data.endswith(_END[:length]):
                held = length
                break
        if held == 0:
            self._tail = b""
            return self._block(data.replace(b"\r\n.", _CRLF)), None
        self._tail = data[-held:]
        return self._block(data[:-held].replace(b"\r\n.", _CRLF)), None

    def _block(self, block: bytes) -> bytes:
        if not block:
            return block
        if self.fault is None:
            self.fault = fault_of(block)
        if self._skip:
            skip, self._skip = self._skip, 0
            return block[skip:]
        return block


class ChunkReceiver:
    """The octets after one BDAT. A message's chunks are checked as one run: carry goes from chunk to chunk."""

    __slots__ = ("_carry", "_left", "_lines", "fault")

    def __init__(self, octets: int, lines: bool, carry: bool = False) -> None:
        """lines: the message is made of lines (not BINARYMIME). carry: the chunk before ended with a CR."""
        self.fault: Fault | None = None
        self._left = octets
        self._lines = lines
        self._carry = carry

    @property
    def ends_with_cr(self) -> bool:
        """The next chunk has to begin with LF; there is a fault where this was the last one."""
        return self._carry

    def feed(self, chunk: bytes) -> tuple[bytes, bytes | None]:
        if self._left > len(chunk):
            self._left -= len(chunk)
            block, rest = chunk, None
        else:
            block, rest = chunk[: self._left], chunk[self._left :]
            self._left = 0
        if self._lines and block:
            self._check(block)
        return block, rest

    def _check(self, block: bytes) -> None:
        run = b"\r" + block if self._carry else block
        self._carry = run.endswith(b"\r")
        if self.fault is None:
            self.fault = fault_of(run[:-1] if self._carry else run)


class Discard:
    """The octets of a chunk that was refused before it came: swallowed, never looked at."""

    __slots__ = ("_left", "fault")

    def __init__(self, octets: int) -> None:
        self.fault: Fault | None = None
        self._left = octets

    def feed(self, chunk: bytes) -> tuple[bytes, bytes | None]:
        if self._left > len(chunk):
            self._left -= len(chunk)
            return b"", None
        rest = chunk[self._left :]
        self._left = 0
        return b"", rest
