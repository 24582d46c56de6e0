"""Threads: new mail joins the oldest thread that knows one of its message ids; a stored thread id never changes."""

from collections.abc import Sequence
from hashlib import blake2b

from mailserverd.backends.lmdb.step import Step
from mailserverd.model.message import ThreadKeys

MAX_REFERENCES = 32


def thread_for(step: Step, prefix: bytes, keys: ThreadKeys, email_id: bytes) -> bytes:
    """Find or begin the thread of a new message, and remember its ids."""
    marks = _marks(prefix, keys)
    known = {mark: step.get(mark) for mark in marks}
    found = [thread for thread in known.values() if thread is not None]
    subject = prefix + b"u" + _hash(keys.base_subject) if keys.base_subject else b""
    thread = min(found) if found else None
    if thread is None and keys.is_reply and not keys.references and subject:
        thread = step.get(subject)
    if thread is None:
        thread = email_id
    for mark, value in known.items():
        if value is None:
            step.put(mark, thread)
    if subject:
        step.put(subject, thread)
    return thread


def join(step: Step, prefix: bytes, thread_id: bytes, email_id: bytes) -> None:
    """Members are noted, but for the message that began the thread: it has the thread's id."""
    if thread_id != email_id:
        members = prefix + b"T" + thread_id
        step.put_in_group(members, members + email_id, b"")


def forget(step: Step, prefix: bytes, keys: ThreadKeys, thread_id: bytes, email_id: bytes) -> None:
    """The last placement of a message is gone (from `e` too); with the last message of a thread its marks go."""
    members = prefix + b"T" + thread_id
    if thread_id != email_id:
        step.delete(members + email_id)
        if step.get(prefix + b"e" + thread_id) is not None:
            return
    if step.has_under(members):
        return
    marks = _marks(prefix, keys)
    if keys.base_subject:
        marks.append(prefix + b"u" + _hash(keys.base_subject))
    for mark in marks:
        if step.get(mark) == thread_id:
            step.delete(mark)


def _marks(prefix: bytes, keys: ThreadKeys) -> list[bytes]:
    ids: Sequence[bytes] = (keys.message_id, *keys.references[:1], *keys.references[1:][-MAX_REFERENCES:])
    return [prefix + b"t" + _hash(each) for each in dict.fromkeys(ids) if each]


def _hash(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()
