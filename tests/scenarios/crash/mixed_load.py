"""Clients of all kinds at work at once, each noting in the ledger what it asks and what is acknowledged.

Standing rule: a client ends, without a word, when the server is gone; anything else that goes wrong is kept and told.
"""

import random
import re
import smtplib
from collections.abc import Callable
from threading import Event, Thread

from tests.scenarios.crash.told import Ledger, Places, message
from tests.scenarios.hostile.conversation import Conversation
from tests.scenarios.server import MailServer

USER, PASSWORD = "anna@example.org", "secret"
MAILBOXES = ("work0", "other0", "work1", "other1", "sorted")
FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "$Forwarded")
LINES = (1, 30, 400, 4000)
_APPENDED = re.compile(rb"\[APPENDUID \d+ (\d+)\]")
_COPIED = re.compile(rb"\[COPYUID \d+ \d+ (\d+)\]")
_NEWS = re.compile(rb"\* \d+ FETCH \(UID (\d+) .*?mark-([0-9a-z]+-\d+-\d+)-end", re.DOTALL)
_MODSEQ = re.compile(rb"MODSEQ \(?(\d+)")


class Gone(Exception):
    """The server is not there any more."""


class Load:
    """All clients against one server, from `begin` until it is gone. round: makes marks that are used once."""

    def __init__(self, server: MailServer, ledger: Ledger, round_: int) -> None:
        self.server, self.ledger, self.round = server, ledger, round_
        self.failures: list[BaseException] = []
        self.over = Event()
        work: list[Callable[[], None]] = [
            lambda: self.deliver(smtplib.SMTP, "smtp", "a"),
            lambda: self.deliver(smtplib.SMTP, "smtp", "b"),
            lambda: self.deliver(smtplib.LMTP, "lmtp", "c"),
            lambda: Worker(self, 0).work(),
            lambda: Worker(self, 1).work(),
            lambda: Sorter(self).work(),
        ]
        self.threads = [Thread(target=self._one, args=(each,), daemon=True) for each in work]

    def begin(self) -> None:
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        """The server is dead or stopping: all clients find out."""
        self.over.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs though the server is gone"
        if self.failures:
            raise self.failures[0]

    def _one(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (Gone, OSError, smtplib.SMTPServerDisconnected):
            pass
        except smtplib.SMTPResponseException as refused:
            if refused.smtp_code != 421:
                self.failures.append(refused)
        except BaseException as failure:
            self.failures.append(failure)

    def deliver(self, kind: Callable[..., smtplib.SMTP], listener: str, name: str) -> None:
        with kind("127.0.0.1", self.server.port(listener), timeout=60) as client:
            number = 0
            while not self.over.is_set():
                number += 1
                mark = f"{name}-{self.round}-{number}"
                octets = message(mark, LINES[number % 4])
                self.ledger.asks(mark, {"INBOX": (0, frozenset())}, octets)
                try:
                    client.sendmail("a@b.test", [USER], octets)
                except smtplib.SMTPRecipientsRefused as refused:
                    if all(code == 421 for code, _ in refused.recipients.values()):
                        raise Gone from refused
                    raise
                self.ledger.delivered(mark)


class ImapClient:
    def __init__(self, load: Load) -> None:
        self.load, self.ledger = load, load.ledger
        self.talk = Conversation(load.server, "imap", timeout=60)

    def work(self) -> None:
        with self.talk:
            self.ask(b"LOGIN %b %b" % (USER.encode(), PASSWORD.encode()))
            self.ask(b"ENABLE CONDSTORE")
            self.run()

    def run(self) -> None:
        raise AssertionError("of a kind of client")

    def ask(self, command: bytes) -> bytes:
        self.talk.send(b"a ", command, b"\r\n")
        lines = []
        while not (lines and lines[-1].startswith((b"a ", b"* BYE"))):
            line = self.talk.line()
            if line is None:
                raise Gone
            lines.append(line)
        if lines[-1].startswith(b"* BYE"):
            raise Gone
        assert lines[-1].startswith(b"a OK"), (command[:100], lines[-1])
        said = b"\r\n".join(lines)
        for modseq in _MODSEQ.findall(said):
            self.ledger.saw_modseq(int(modseq))
        return said


class Worker(ImapClient):
    """Appends to a mailbox of its own, then flags, copies, moves and expunges what it appended."""

    def __init__(self, load: Load, number: int) -> None:
        super().__init__(load)
        self.box, self.other = f"work{number}", f"other{number}"
        self.name = f"w{number}"
        self.random = random.Random(load.round * 10 + number)
        self.count = 0
        with load.ledger.lock:
            mine = [mark for mark in load.ledger.told if mark.startswith(self.name)]
            self.marks = [mark for mark in mine if self.box in load.ledger.told[mark].places]

    def run(self) -> None:
        self.ask(b"SELECT " + self.box.encode())
        while not self.load.over.is_set():
            kind = self.random.choices([self.append, self.flag, self.copy, self.move, self.expunge], [40, 30, 8, 8, 8])[
                0
            ]
            if kind == self.append or not self.marks:
                self.append()
            else:
                kind(self.random.choice(self.marks))  # type: ignore[call-arg]

    def place(self, mark: str) -> tuple[int, frozenset[str], Places]:
        places = self.ledger.told[mark].places
        uid, flags = places[self.box]
        return uid, flags, dict(places)

    def append(self) -> None:
        self.count += 1
        mark = f"{self.name}-{self.load.round}-{self.count}"
        octets = message(mark, LINES[self.count % 4])
        self.ledger.asks(mark, {self.box: (0, frozenset())}, octets)
        said = self.ask(b"APPEND %b {%d+}\r\n%b" % (self.box.encode(), len(octets), octets))
        self.ledger.acknowledges(mark, int(_APPENDED.search(said)[1]), self.box)  # type: ignore[index]
        self.marks.append(mark)

    def flag(self, mark: str) -> None:
        uid, flags, places = self.place(mark)
        flag = self.random.choice(FLAGS)
        places[self.box] = uid, flags ^ {flag}
        self.ledger.asks(mark, places)
        sign = b"-" if flag in flags else b"+"
        self.ask(b"UID STORE %d %bFLAGS.SILENT (%b)" % (uid, sign, flag.encode()))
        self.ledger.acknowledges(mark)

    def copy(self, mark: str) -> None:
        uid, flags, places = self.place(mark)
        if self.other in places:
            return
        places[self.other] = 0, flags
        self.ledger.asks(mark, places)
        said = self.ask(b"UID COPY %d %b" % (uid, self.other.encode()))
        self.ledger.acknowledges(mark, int(_COPIED.search(said)[1]), self.other)  # type: ignore[index]

    def move(self, mark: str) -> None:
        uid, flags, places = self.place(mark)
        if self.other in places:
            return
        del places[self.box]
        places[self.other] = 0, flags
        self.ledger.asks(mark, places)
        said = self.ask(b"UID MOVE %d %b" % (uid, self.other.encode()))
        self.ledger.acknowledges(mark, int(_COPIED.search(said)[1]), self.other)  # type: ignore[index]
        self.marks.remove(mark)

    def expunge(self, mark: str) -> None:
        uid, flags, places = self.place(mark)
        places[self.box] = uid, flags | {"\\Deleted"}
        self.ledger.asks(mark, places)
        self.ask(b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid)
        self.ledger.acknowledges(mark)
        places = dict(places)
        del places[self.box]
        self.ledger.asks(mark, places)
        self.ask(b"UID EXPUNGE %d" % uid)
        self.ledger.acknowledges(mark)
        self.marks.remove(mark)


class Sorter(ImapClient):
    """Moves what was delivered out of the inbox, as mail comes in."""

    def run(self) -> None:
        self.ask(b"SELECT INBOX")
        while not self.load.over.is_set():
            said = self.ask(b"UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            for uid, name in _NEWS.findall(said)[:20]:
                self.sort(int(uid), name.decode())
            self.ask(b"NOOP")

    def sort(self, uid: int, mark: str) -> None:
        with self.ledger.lock:
            self.ledger.used("INBOX", uid, mark)
            self.ledger.told[mark].places = {"INBOX": (uid, frozenset())}
            self.ledger.told[mark].under_way = {"sorted": (0, frozenset())}
        said = self.ask(b"UID MOVE %d sorted" % uid)
        with self.ledger.lock:
            self.ledger.acknowledges(mark, int(_COPIED.search(said)[1]), "sorted")  # type: ignore[index]
