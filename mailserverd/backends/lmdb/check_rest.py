"""Judging what belongs to no account's mail: the index journal, the UIDVALIDITY clock, pending deliveries, directory.

Standing rule: each function reads what belongs together in one transaction, so that no change can come in between.
"""

import msgspec

from mailserverd.backends.lmdb.check_finding import ERROR, LOSS, WARNING, Finding
from mailserverd.backends.lmdb.check_snapshot import Open
from mailserverd.backends.lmdb.environment import Transaction, scanned
from mailserverd.backends.lmdb.keys import INDEX_JOURNAL, UID_VALIDITY
from mailserverd.interfaces.pending_deliveries import PendingDelivery
from mailserverd.model.account import Account, Alias, Credentials, Domain

_pending = msgspec.msgpack.Decoder(PendingDelivery).decode
_DIRECTORY = {
    b"Dd": ("domain", msgspec.msgpack.Decoder(Domain).decode),
    b"Da": ("account", msgspec.msgpack.Decoder(Account).decode),
    b"Dl": ("alias", msgspec.msgpack.Decoder(Alias).decode),
    b"Dc": ("credentials", msgspec.msgpack.Decoder(Credentials).decode),
}


def _keys(transaction: Transaction, prefix: bytes) -> list[bytes]:
    cursor = transaction.cursor()
    found: list[bytes] = []
    more = cursor.set_range(prefix)
    while more and cursor.key().startswith(prefix):
        found.append(cursor.key())
        more = cursor.next()
    cursor.close()
    return found


def journal_findings(opened: Open) -> list[Finding]:
    findings: list[Finding] = []
    with opened() as transaction:
        for key in _keys(transaction, INDEX_JOURNAL):
            if transaction.get(b"A" + key[1:] + b"a") is None:
                findings.append(Finding(WARNING, None, "the index journal names an account that is gone", (), (key,)))
    return findings


def validity_findings(opened: Open, highest: int) -> list[Finding]:
    """highest: the highest UIDVALIDITY that a mailbox has."""
    with opened() as transaction:
        given = int.from_bytes(transaction.get(UID_VALIDITY) or b"")
    if highest <= given:
        return []
    what = f"UIDVALIDITY {highest} is in use, but the highest given out is {given}"
    return [Finding(ERROR, None, what, ((UID_VALIDITY, highest.to_bytes(4)),))]


def pending_findings(opened: Open) -> list[Finding]:
    findings: list[Finding] = []
    with opened() as transaction:
        records = dict(scanned(transaction, b"Pr", 1_000_000))
        messages = set(_keys(transaction, b"Pm"))
    for key, value in records.items():
        try:
            recipient = _pending(value).recipient
        except (msgspec.MsgspecError, ValueError):
            findings.append(Finding(LOSS, None, f"pending delivery {key[2:]!r} is unreadable", (), (key,)))
            continue
        if b"Pm" + key[2:] not in messages:
            what = f"pending delivery {key[2:]!r} to {recipient} has lost its message"
            findings.append(Finding(LOSS, None, what, (), (key,)))
    for key in sorted(messages):
        if b"Pr" + key[2:] not in records:
            findings.append(Finding(WARNING, None, f"message {key[2:]!r} of no pending delivery", (), (key,)))
    return findings


def directory_findings(opened: Open) -> list[Finding]:
    findings: list[Finding] = []
    for prefix, (noun, decode) in _DIRECTORY.items():
        with opened() as transaction:
            found = scanned(transaction, prefix, 1_000_000)
        for key, value in found:
            try:
                decode(value)
            except (msgspec.MsgspecError, ValueError):
                what = f"the directory's {noun} {key[2:]!r} is unreadable"
                findings.append(
                    Finding(ERROR, None, what, what_to_do="put it right with `mailserverd directory apply`")
                )
    return findings
