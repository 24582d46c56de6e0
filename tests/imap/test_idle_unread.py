"""IDLE with a client that reads nothing: news is not queued for it, it is asked for again when there is room."""

from mailserverd.interfaces.mailbox_index import LOGGED_UIDS
from tests.imap.house import Connection, House


def entered(house: House) -> Connection:
    connection = house.connect()
    connection.say(b"a LOGIN user {13+}\r\ncorrect horse\r\n")
    connection.say(b"b SELECT INBOX\r\n")
    return connection


def test_what_happens_meanwhile_is_told_once_and_nothing_of_it_is_held(house: House) -> None:
    for number in range(20):
        house.put(b"a: %d\r\n" % number)
    idle, busy = entered(house), entered(house)
    assert idle.say(b"c IDLE\r\n") == b"+ idling\r\n"
    idle.server.pauseProducing()
    for number in range(200):
        busy.say(b"d STORE 1:20 %cFLAGS.SILENT (\\Flagged)\r\n" % b"+-"[number % 2])
    house.put(b"a: new\r\n")
    busy.say(b"e STORE 2 +FLAGS.SILENT (\\Deleted)\r\nf EXPUNGE\r\n")
    assert idle.took() == b""
    selected = idle.server.session.selected
    assert selected is not None
    assert selected.own == {}
    idle.server.resumeProducing()
    told = idle.took()
    assert told.count(b" FETCH (") == 19  # each once, as it is now
    assert told.startswith(b"* 2 EXPUNGE\r\n* 20 EXISTS\r\n")
    assert b"Flagged" not in told
    assert idle.say(b"DONE\r\n") == b"c OK Idle ended\r\n"


def test_more_than_is_remembered(house: House) -> None:
    """What sessions share to tell news by is bounded too: who missed more compares the whole mailbox once."""
    for number in range(300):
        house.put(b"a: %d\r\n" % number)
    idle, busy = entered(house), entered(house)
    idle.say(b"c IDLE\r\n")
    idle.server.pauseProducing()
    for number in range(LOGGED_UIDS // 300 + 2):
        busy.say(b"d STORE 1:300 %cFLAGS.SILENT (\\Flagged)\r\n" % b"+-"[number % 2])
    index = idle.server.session.selected.index
    assert index.changes_after(0) is None
    assert sum(len(change.uids) + 1 for change in index.changes_after(index._first)) <= LOGGED_UIDS
    idle.server.resumeProducing()
    assert idle.took().count(b" FETCH (") == 300
