"""Which accounts have mail, found without reading it."""

from mailserverd.backends.lmdb.environment import Environment


def accounts_with_mail(environment: Environment) -> list[int]:
    """Their ids, ascending."""
    found: list[int] = []
    after = b"A"
    while True:
        with environment.read() as transaction:
            cursor = transaction.cursor()
            there = cursor.set_range(after)
            key = bytes(cursor.key()) if there else b""
            cursor.close()
        if key[:1] != b"A" or len(key) < 10:
            return found
        found.append(int.from_bytes(key[1:9]))
        if found[-1] == (1 << 64) - 1:
            return found
        after = b"A" + (found[-1] + 1).to_bytes(8)
