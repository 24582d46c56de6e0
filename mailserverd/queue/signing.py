"""From what was accepted to what is sent: in the form that the peer takes, with the signatures of the domain on top.

Standing rules: what is sent is what is signed; converting and signing are done off the reactor's thread, in one go; the
same octets are signed once, however many servers get them.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from threading import Lock
from typing import Protocol

from mailserverd.interfaces.mail_transport import CannotDowngrade
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry
from mailserverd.queue.signing_domain import Keys, Senders, domain_of, keys_above, signing_keys
from mailserverd.wire.authentication.dkim import signature_fields
from mailserverd.wire.mime.downgrade import CannotConvert, fitted

REMEMBERED = 500  # messages; about 1.5 KB each


class InThread(Protocol):
    """Runs it off the reactor's thread, and raises what it raises."""

    def __call__(self, work: Callable[[], bytes], /) -> Awaitable[bytes]: ...


class Sealing(Protocol):
    """Puts an ARC set on a forwarded message."""

    def __call__(self, message: bytes, keys: Keys, cv: bytes, now: int, /) -> bytes:
        """The fields for its top; b"" where none can be made."""
        ...


class Signing:
    """The Preparation of all mail. keys: those that sign for exactly one domain. chain: what the ARC sets of a message
    are worth, b"none", b"pass", or b"" where no further one is to be made."""

    def __init__(
        self,
        keys: Callable[[str], Keys],
        senders: Senders,
        chain: Callable[[bytes], Awaitable[bytes]],
        seal: Sealing,
        own_domain: Callable[[], str],
        in_thread: InThread,
        seconds: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._senders = senders
        self._chain = chain
        self._seal = seal
        self._own_domain = own_domain
        self._in_thread = in_thread
        self._seconds = seconds
        self._made = Remembered()

    def alone(self, entry: QueueEntry) -> bool:
        return False

    def sender(self, entry: QueueEntry, recipient: QueuedRecipient) -> str:
        return entry.sender

    async def prepare(self, entry: QueueEntry, recipients: Sequence[QueuedRecipient], body: bytes, form: str) -> bytes:
        keys = await signing_keys(entry, body, self._keys, self._senders)
        sealing = self._sealing_keys(entry)
        if not keys and not sealing and _fits(entry, body, form):
            return body
        now = int(self._seconds())
        if sealing:
            cv = await self._chain(body)
            return await self._in_thread(lambda: self._sealed(entry, sealing, body, form, cv, now))
        return await self._in_thread(lambda: self._signed(entry, keys, body, form, now))

    def _sealing_keys(self, entry: QueueEntry) -> Keys:
        """A forward is sealed by the domain that its SRS sender names, or by ours."""
        if not entry.forwarded:
            return ()
        return keys_above(domain_of(entry.sender), self._keys) or keys_above(self._own_domain(), self._keys)

    def _sealed(self, entry: QueueEntry, keys: Keys, body: bytes, form: str, cv: bytes, now: int) -> bytes:
        octets = _converted(entry, body, form)
        return self._seal(octets, keys, cv, now) + octets if cv else octets

    def _signed(self, entry: QueueEntry, keys: Keys, body: bytes, form: str, now: int) -> bytes:
        octets = _converted(entry, body, form)
        if not keys:
            return octets
        name = sha256(octets).digest() + "/".join(key.selector for key in keys).encode()
        fields = self._made.get(name)
        if fields is None:
            fields = signature_fields(octets, keys, now)
            self._made.put(name, fields)
        return fields + octets


def _converted(entry: QueueEntry, body: bytes, form: str) -> bytes:
    try:
        return fitted(body, entry.body, form)
    except CannotConvert as error:
        raise CannotDowngrade(str(error)) from error


def _fits(entry: QueueEntry, body: bytes, form: str) -> bool:
    """Whether nothing has to be converted, as far as the declaration says (a look at the octets costs time)."""
    if form == "BINARYMIME" or entry.body == "7BIT":
        return True
    return form == "8BITMIME" and entry.body != "BINARYMIME"


class Remembered:
    """The last signatures, by what was signed; asked from several threads."""

    def __init__(self) -> None:
        self._fields: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, name: bytes) -> bytes | None:
        with self._lock:
            found = self._fields.get(name)
            if found is not None:
                self._fields.move_to_end(name)
            return found

    def put(self, name: bytes, fields: bytes) -> None:
        with self._lock:
            self._fields[name] = fields
            if len(self._fields) > REMEMBERED:
                self._fields.popitem(last=False)
