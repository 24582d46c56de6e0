"""imap/news.py: news of the selected mailbox before the tagged answer."""

from types import SimpleNamespace

from mailserverd.imap import news
from mailserverd.imap.reply import ok
from mailserverd.wire.imap.verbs import UID_VERBS, VERBS
from tests.contracts.loop import Loop

DONE = ok(b"Done")


class Selected:
    """Tells its parts one after the other."""

    def __init__(self, *parts):
        self.parts = list(parts)
        self.asked = []

    @property
    def has_untold(self):
        return bool(self.parts)

    @property
    def parts_untold(self):
        return len(self.parts)

    def pending_updates(self, allow_expunge, with_uid):
        self.asked.append((allow_expunge, with_uid))
        if not self.parts:
            raise ZeroDivisionError
        return self.parts.pop(0)


class Session:
    def __init__(self, selected):
        self.selected = selected
        self.out = []
        self.peer = SimpleNamespace(session="s1")

    def send(self, octets):
        self.out.append(octets)

    def flush(self):
        self.out.append("flush")

    async def drained(self):
        self.out.append("drained")


def test_without_a_mailbox_there_is_no_news():
    assert news.tell(Session(None), VERBS[b"NOOP"]) is False


def test_the_verb_says_what_may_be_told():
    session = Session(Selected(b"a", b"b", b"c"))
    assert [news.tell(session, each) for each in (VERBS[b"NOOP"], VERBS[b"FETCH"], UID_VERBS[b"FETCH"])] == [
        True,
        True,
        False,
    ]
    assert session.selected.asked == [(True, False), (False, False), (True, True)]


def test_a_failure_to_tell_is_logged_and_spoils_nothing(monkeypatch):
    logged = []
    monkeypatch.setattr(news.log, "failure", lambda *args, **fields: logged.append(fields))
    assert news.tell(Session(Selected()), VERBS[b"NOOP"]) is False
    assert logged == [{"session": "s1"}]


def test_the_rest_is_told_as_the_client_takes_it():
    session = Session(Selected(b"a", b"b"))
    assert Loop().run(news.tell_rest(session, UID_VERBS[b"STORE"], DONE)) == DONE
    assert session.out == ["flush", "drained", b"a", "flush", "drained", b"b"]
    assert session.selected.asked == [(False, True)] * 2
