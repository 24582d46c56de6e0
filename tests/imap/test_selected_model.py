"""A client that believes every untagged response, beside random changes by others: it must end up with the truth."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.imap.selected import Selected
from mailserverd.interfaces import mailbox_index
from mailserverd.interfaces.mail_store import Expunge, SetFlags
from tests.mailstore.memory_mail import MemoryMail

MESSAGE = b"Subject: x\r\n\r\n"
LINE = re.compile(rb"\* (\d+) (EXPUNGE|EXISTS|RECENT|FETCH)(?: \(UID (\d+) FLAGS \((.*)\) MODSEQ \((\d+)\)\))?\Z")
steps = st.lists(
    st.one_of(
        st.just(("add",)),
        st.tuples(st.just("flag"), st.integers(1, 12), st.sampled_from(["add", "remove"])),
        st.tuples(st.just("expunge"), st.integers(1, 12)),
        st.tuples(st.just("tell"), st.booleans()),
    ),
    max_size=30,
)


class Client:
    """seen: what it thinks the flags of each message are, by number; None = not told."""

    def __init__(self, flags):
        self.flags = flags

    def hear(self, octets):
        for line in octets.split(b"\r\n")[:-1]:
            if line.startswith((b"* FLAGS", b"* OK")):
                continue
            number, what, uid, flags, _ = LINE.match(line).groups()
            number = int(number)
            if what == b"EXPUNGE":
                del self.flags[number - 1]
            elif what == b"EXISTS":
                assert number >= len(self.flags)
                self.flags += [None] * (number - len(self.flags))
            elif what == b"FETCH":
                assert uid is not None
                self.flags[number - 1] = b"Seen" in flags


@settings(max_examples=150, deadline=None)
@given(steps, st.sampled_from([2, 65_536]))
def test_a_believing_client_ends_up_with_the_truth(script, logged):
    before, mailbox_index.LOGGED_UIDS = mailbox_index.LOGGED_UIDS, logged
    try:
        run(script)
    finally:
        mailbox_index.LOGGED_UIDS = before


def run(script):
    mail = MemoryMail()
    for _ in range(4):
        mail.add(MESSAGE)
    selected = Selected(mail, mail.indexes[1], read_only=False, condstore=True)
    client = Client([False] * 4)
    for step in script:
        if step[0] == "add":
            mail.add(MESSAGE)
        elif step[0] == "flag":
            mail.commit_now([SetFlags(1, [(step[1], step[1])], step[2], ("\\Seen",))])
        elif step[0] == "expunge":
            mail.commit_now([Expunge(1, [(step[1], step[1])], only_deleted=False)])
        else:
            out = selected.pending_updates(allow_expunge=step[1])
            assert step[1] or b"EXPUNGE" not in out
            client.hear(out)
    client.hear(selected.pending_updates())
    index = mail.indexes[1]
    assert len(client.flags) == selected.count == len(index.uids)
    for told, mask in zip(client.flags, index.masks, strict=True):
        # a message that was only counted (EXISTS) has flags that the client will ask for
        assert told is None or told == bool(mask & 1)
    assert selected.pending_updates() == b""
