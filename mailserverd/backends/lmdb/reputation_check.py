"""Judging what is kept for sending: every record can be read.

Standing rules: those of check_rest; what is unreadable is removed by a repair, since nothing tells what it was: an
address that is suppressed no more bounces once more. A bounded number of records is read in one transaction.
"""

import msgspec

from mailserverd.backends.lmdb.check_finding import ERROR, WARNING, Finding
from mailserverd.backends.lmdb.check_snapshot import Open
from mailserverd.backends.lmdb.environment import scanned
from mailserverd.model.reputation import Rest, SentMessage, Suppression, Suspension, WarmUp

_AT_ONCE = 5_000
_KINDS = {
    b"Rs": (ERROR, "an entry of the suppression list", msgspec.msgpack.Decoder(Suppression).decode),
    b"Rf": (WARNING, "a count of soft bounces", msgspec.msgpack.Decoder(tuple[int, int]).decode),
    b"Ra": (ERROR, "a suspension", msgspec.msgpack.Decoder(Suspension).decode),
    b"Rr": (WARNING, "the rest of an address", msgspec.msgpack.Decoder(Rest).decode),
    b"Rw": (ERROR, "the warm-up of an address", msgspec.msgpack.Decoder(WarmUp).decode),
    b"Rm": (WARNING, "a count of sending", msgspec.msgpack.Decoder(dict[int, int]).decode),
    b"Rt": (WARNING, "the record of a sent message", msgspec.msgpack.Decoder(tuple[SentMessage, list[str]]).decode),
    b"Ru": (WARNING, "recipients of a sent message", msgspec.msgpack.Decoder(list[str]).decode),
}


def reputation_findings(opened: Open) -> list[Finding]:
    findings: list[Finding] = []
    for prefix, (severity, noun, decode) in _KINDS.items():
        after = b""
        while True:
            with opened() as transaction:
                found = scanned(transaction, prefix, _AT_ONCE, after)
            for key, value in found:
                try:
                    decode(value)
                except (msgspec.MsgspecError, ValueError):
                    what = f"{noun}, {key[2:]!r}, is unreadable"
                    findings.append(Finding(severity, None, what, (), (key,)))
            if len(found) < _AT_ONCE:
                break
            after = found[-1][0]
    return findings
