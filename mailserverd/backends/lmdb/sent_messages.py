"""LmdbSentMessages: the SentMessages interface over the embedded store.

Standing rules: queue ids sort by time, so that the oldest messages are the first records; the first PART recipients
stand with the message, more of them in parts, which are written before it.
"""

from collections.abc import Sequence

from mailserverd.backends.lmdb.reputation_records import Records, digest, name_octets, reader
from mailserverd.backends.lmdb.reputation_records import encode as _encode
from mailserverd.model.address import canonical_address
from mailserverd.model.reputation import SentMessage

PART = 500
_SENT, _PART, _BY_ID, _BY_ENVELOPE, _REPORTED = b"Rt", b"Ru", b"Ri", b"Re", b"Rd"
_TIDIED_AT_ONCE = 1_000

_message = reader(tuple[SentMessage, list[str]], "the record of a message that was sent")
_addresses = reader(list[str], "the recipients of a message that was sent")


class LmdbSentMessages:
    def __init__(self, records: Records) -> None:
        self._records = records

    async def record(self, message: SentMessage, addresses: Sequence[str]) -> None:
        name = name_octets(message.queue_id)
        for number, start in enumerate(range(PART, len(addresses), PART), 1):
            await self._records.write([(_part_key(name, number), _encode(addresses[start : start + PART]))])
        puts = [(_SENT + name, _encode((message, addresses[:PART])))]
        puts += [(key, name) for key in _index_keys(message)]
        await self._records.write(puts)

    async def sent(self, queue_id: str) -> SentMessage | None:
        value = self._records.get(_SENT + name_octets(queue_id))
        return None if value is None else _message(value)[0]

    async def by_message_id(self, message_id: str) -> SentMessage | None:
        found = self._by(_BY_ID + digest(message_id, 16))
        return found if found is not None and found.message_id == message_id else None

    async def by_envelope_id(self, envelope_id: str) -> SentMessage | None:
        found = self._by(_BY_ENVELOPE + digest(envelope_id, 16))
        return found if found is not None and found.envid == envelope_id else None

    def _by(self, key: bytes) -> SentMessage | None:
        name = self._records.get(key)
        value = self._records.get(_SENT + name) if name is not None else None
        return None if value is None else _message(value)[0]

    async def recipient(self, queue_id: str, position: int) -> str | None:
        if position < 0:
            return None
        addresses = self._part(name_octets(queue_id), position // PART)
        return addresses[position % PART] if position % PART < len(addresses) else None

    def _part(self, name: bytes, number: int) -> list[str]:
        value = self._records.get(_part_key(name, number) if number else _SENT + name)
        if value is None:
            return []
        return _addresses(value) if number else _message(value)[1]

    async def position(self, queue_id: str, address: str) -> int | None:
        wanted, name = canonical_address(address), name_octets(queue_id)
        message = await self.sent(queue_id)
        for number in range(_parts(message) if message is not None else 0):
            for place, each in enumerate(self._part(name, number)):
                if canonical_address(each) == wanted:
                    return number * PART + place
        return None

    async def first_report(self, queue_id: str, position: int, kind: str) -> bool:
        key = _REPORTED + name_octets(queue_id) + b"\0" + kind.encode("ascii") + position.to_bytes(4)
        if self._records.get(key) is not None:
            return False
        await self._records.write([(key, b"")])
        return True

    async def tidy(self, before: int) -> int:
        gone: list[bytes] = []
        found = self._records.scan(_SENT, _TIDIED_AT_ONCE)
        old = [message for message, _ in (_message(value) for _, value in found) if message.created < before]
        for message in old:
            name = name_octets(message.queue_id)
            gone.append(_SENT + name)
            gone += [_part_key(name, number) for number in range(1, _parts(message))]
            gone += [key for key, _ in self._records.scan(_REPORTED + name + b"\0")]
            gone += [key for key in _index_keys(message) if self._records.get(key) == name]
        if gone:
            await self._records.write([], gone)
        return len(old)


def _index_keys(message: SentMessage) -> list[bytes]:
    keys = [_BY_ID + digest(message.message_id, 16)] if message.message_id else []
    return [*keys, _BY_ENVELOPE + digest(message.envid, 16)] if message.envid else keys


def _parts(message: SentMessage) -> int:
    return -(-max(message.recipients, 1) // PART)


def _part_key(name: bytes, number: int) -> bytes:
    return _PART + name + number.to_bytes(4)
