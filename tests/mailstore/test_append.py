import pytest

from mailserverd.interfaces.mail_store import Add
from mailserverd.mailstore.append import SCAN_IN_THREAD_OCTETS, Ingest
from mailserverd.model.errors import NotFound, NotPermitted, OverQuota, TryAgain
from mailserverd.wire.mime.record import Incoming
from tests.mailstore.memory_mail import MemoryMail, drive, plain_message

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


class Blobs:
    def __init__(self):
        self.stored = []

    async def put_many(self, contents):
        if contents == [b"full"]:
            raise TryAgain("disk full")
        self.stored += contents


class Store:
    def __init__(self, mail):
        self.mail = mail

    async def open(self, account_id):
        return self.mail


def ingest(mail, contents=(), threads=None):
    async def in_thread(function, octets):
        threads.append(len(octets))
        return function(octets)

    blobs = Blobs()

    def scan(octets):
        message = plain_message(octets)
        message = message._replace(thread_keys=message.thread_keys._replace(message_id=b"id@x"))
        return Incoming(message, tuple((b"id", content) for content in contents))

    return Ingest(Store(mail), blobs, in_thread, scan), blobs


def test_a_message_delivered_twice_under_one_key_is_there_once():
    mail = MemoryMail()
    door, blobs = ingest(mail, [b"blob"])
    scanned = drive(door.prepare(MESSAGE))
    assert scanned.message_id == b"id@x"
    assert blobs.stored == [b"blob"]
    for _ in range(2):
        drive(door.deliver(1, scanned, b"queue-id/1", 1000))
    assert len(mail.indexes[1].uids) == 1
    assert mail.kept[1][1].internal_date == 1000


def test_nothing_refers_to_a_blob_that_is_not_stored():
    mail = MemoryMail()
    door, _ = ingest(mail, [b"full"])
    with pytest.raises(TryAgain):
        drive(door.append(mail, "INBOX", MESSAGE, (), 0))
    assert not any(isinstance(op, Add) for ops in mail.commits for op in ops)


def test_append_says_where_the_message_went():
    mail = MemoryMail()
    door, _ = ingest(mail)
    done = drive(door.append(mail, "inbox", MESSAGE, ("\\Seen", "$Own"), 5, -60))
    assert (done.uid_validity, done.uid) == (mail.indexes[1].row.uid_validity, 1)
    assert mail.indexes[1].row.keywords == ("$Own",)
    assert mail.kept[1][1].internal_offset == -60


def test_append_refuses():
    mail = MemoryMail(quota=30)
    door, _ = ingest(mail)
    with pytest.raises(NotFound):
        drive(door.append(mail, "nowhere", MESSAGE, (), 0))
    with pytest.raises(NotPermitted):
        drive(door.append(mail, "INBOX", MESSAGE, ("\\Recent",), 0))
    drive(door.append(mail, "INBOX", MESSAGE, (), 0))
    with pytest.raises(OverQuota):
        drive(door.append(mail, "INBOX", MESSAGE, (), 0))


def test_a_large_message_is_scanned_elsewhere():
    threads = []
    door, _ = ingest(MemoryMail(), threads=threads)
    drive(door.prepare(b"x" * (SCAN_IN_THREAD_OCTETS + 1)))
    drive(door.prepare(MESSAGE))
    assert threads == [SCAN_IN_THREAD_OCTETS + 1]


def test_a_real_message_is_understood_once_and_served_from_that():
    mail = MemoryMail()
    blobs = Blobs()
    door = Ingest(Store(mail), blobs, None)
    drive(door.append(mail, "INBOX", b"Message-ID: <a@b>\r\nSubject: x\r\n\r\nbody\r\n", (), 0))
    kept = mail.kept[1][1].message
    assert b"<a@b>" in kept.envelope
    assert kept.body_structure.startswith(b'("text" "plain"')
    assert kept.thread_keys.message_id == b"a@b"
