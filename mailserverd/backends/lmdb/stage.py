"""Stage: how much of a large operation one commit does, and the record that lets a COPY be taken back.

Standing rule: as long as a COPY is not whole, the record `w` names what of it is there; the commit that makes it whole
deletes the record, so that a COPY is there after a crash, or was taken back (RFC 9051 §6.4.7).
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from mailserverd.backends.lmdb.step import Step
from mailserverd.interfaces.mail_store import Placed, UidRanges

STAGE_MESSAGES = 500


class Stage(NamedTuple):
    """most: messages. copy_key: the key of the record `w`; copied: what earlier stages put into the target."""

    most: int = STAGE_MESSAGES
    copy_key: bytes = b""
    copied: tuple[tuple[int, int], ...] = ()


class UnfinishedCopy(msgspec.Struct, array_like=True):
    """target: a mailbox; copied: UID ranges there."""

    target: int
    copied: list[tuple[int, int]]


decoded_copy = msgspec.msgpack.Decoder(UnfinishedCopy).decode


def unfinished_key(prefix: bytes, name: bytes) -> bytes:
    return prefix + b"w" + name


def note_copy(step: Step, stage: Stage, target: int, placed: Sequence[Placed], more: bool) -> None:
    """After a stage of a COPY: more of it comes, or it is whole."""
    if more:
        copied = with_placed(stage.copied, placed)
        step.put(stage.copy_key, msgspec.msgpack.encode(UnfinishedCopy(target, list(copied))))
    elif stage.copied:
        step.delete(stage.copy_key)


def with_placed(copied: tuple[tuple[int, int], ...], placed: Sequence[Placed]) -> tuple[tuple[int, int], ...]:
    """What one commit places lies side by side."""
    return (*copied, (placed[0].uid, placed[-1].uid)) if placed else copied


def ranges_from(ranges: UidRanges, first: int, last: int) -> UidRanges:
    """What of the ranges lies in [first, last]."""
    return [(max(low, first), min(high, last)) for low, high in ranges if high >= first and low <= last]
