"""Whole IMAP sessions over the real store, command after command: each is answered under its tag, or the session ends
with BYE; answers can be read; nothing is logged as an error."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import LogLevel, globalLogPublisher

from tests.imap.house import House

MESSAGE = (
    b"From: a@b.test\r\nSubject: =?utf-8?q?h=C3=A9?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n\r\nx\r\n--b--\r\n"
)
SETS = st.sampled_from([b"1", b"1:*", b"*", b"*:1", b"2,1", b"5:9", b"0", b"1:", b"4294967295", b"1,1,1", b"1:2:3"])
BOXES = st.sampled_from(
    [b"INBOX", b"inbox", b"a", b"a/b", b'""', b'"x y"', b"{3+}\r\na/b", b"&AOk-", b"&bad", b"*", b"Trash", b"\xff"]
)
FLAGS = st.sampled_from([b"(\\Seen)", b"\\Deleted", b"()", b"($x \\Flagged)", b"(\\Recent)", b"(\\Nope)", b"x]"])
ITEMS = st.sampled_from(
    b"FLAGS|(UID FLAGS MODSEQ)|ENVELOPE|BODYSTRUCTURE|BODY|ALL|FULL|FAST|BODY[]|BODY.PEEK[1.MIME]|"
    b"BODY[HEADER.FIELDS (To)]|"
    b"RFC822|RFC822.TEXT|BODY.PEEK[TEXT]<2.3>|BODY[9.9]|(EMAILID THREADID)|RFC822.SIZE|INTERNALDATE|BODY[|(|X".split(
        b"|"
    )
)
KEYS = st.sampled_from(
    b'ALL|UNSEEN|NOT SEEN|OR SEEN DELETED|1:*|UID 1:3|SUBJECT h|TEXT x|BODY {1+}\r\nx|SINCE 1-Jan-2020|HEADER X ""|'
    b"(SEEN)|KEYWORD $x|MODSEQ 1|LARGER 5|CHARSET UTF-8 TEXT {2+}\r\n\xc3\xa9|CHARSET X ALL|"
    b"RETURN (COUNT) ALL|OR|".split(b"|")
)


def joined(*parts):
    return st.tuples(*[part if isinstance(part, st.SearchStrategy) else st.just(part) for part in parts]).map(
        lambda found: b" ".join(found)
    )


APPEND = st.sampled_from(
    [b"{%d+}\r\n%b" % (len(MESSAGE), MESSAGE), b"(\\Seen) {3+}\r\n\0\r\n", b"{0+}\r\n", b'"x"', b"{5}", b"{999999999}"]
)
COMMANDS = st.one_of(
    joined(
        st.sampled_from([b"SELECT", b"EXAMINE", b"CREATE", b"DELETE", b"SUBSCRIBE", b"UNSUBSCRIBE", b"GETQUOTAROOT"]),
        BOXES,
    ),
    joined(b"RENAME", BOXES, BOXES),
    joined(b"STATUS", BOXES, st.sampled_from([b"(MESSAGES UIDNEXT)", b"(SIZE)", b"()", b"MESSAGES"])),
    joined(st.sampled_from([b"LIST", b"LSUB"]), BOXES, st.sampled_from([b"*", b"%", b'""', b"a*", b"(* %)"])),
    joined(st.sampled_from([b"FETCH", b"UID FETCH"]), SETS, ITEMS),
    joined(
        st.sampled_from([b"STORE", b"UID STORE"]),
        SETS,
        st.sampled_from([b"+FLAGS", b"-FLAGS.SILENT", b"FLAGS", b"(UNCHANGEDSINCE 1) FLAGS"]),
        FLAGS,
    ),
    joined(st.sampled_from([b"COPY", b"UID COPY", b"MOVE", b"UID MOVE"]), SETS, BOXES),
    joined(st.sampled_from([b"SEARCH", b"UID SEARCH"]), KEYS),
    joined(b"APPEND", BOXES, APPEND),
    joined(b"UID EXPUNGE", SETS),
    st.sampled_from(
        b"NOOP|CHECK|EXPUNGE|CLOSE|UNSELECT|CAPABILITY|NAMESPACE|ID NIL|ENABLE CONDSTORE|"
        b'GETQUOTA ""|STARTTLS|LOGIN a b|'
        b"AUTHENTICATE PLAIN|XYZZY|IDLE\r\nDONE|IDLE\r\nx| |".split(b"|")
    ),
    st.binary(max_size=20).filter(lambda octets: b"\n" not in octets and not octets.rstrip().endswith(b"}")),
)
LITERAL = re.compile(rb"\{(\d+)\}\r\n")
REPLY = re.compile(rb"(\*|t\d+) [^\r\n]+\r\n|\+[^\r\n]*\r\n")


def replies(octets: bytes) -> list[bytes]:
    """As a client reads them: a line, its literals, the line after them."""
    found, at, start = [], 0, 0
    while at < len(octets):
        end = octets.index(b"\r\n", at) + 2
        literal = LITERAL.search(octets, at, end)
        if literal is not None and literal.end() == end:
            at = end + int(literal[1])
            assert at <= len(octets)
            continue
        found.append(octets[start:end])
        at = start = end
    assert at == start == len(octets)
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(COMMANDS, min_size=1, max_size=25), st.booleans())
def test_sessions(commands, selected):
    errors = []
    observer = lambda event: errors.append(event) if event["log_level"] >= LogLevel.error else None  # noqa: E731
    globalLogPublisher.addObserver(observer)
    try:
        with TemporaryDirectory() as folder:
            house = House(Path(folder))
            talk(house, commands, selected)
            house.close()
    finally:
        globalLogPublisher.removeObserver(observer)
    assert errors == []


def talk(house, commands, selected):
    client = house.connect()
    client.say(b'l LOGIN user@example.org "correct horse"\r\n')
    for _ in range(3):
        house.put(MESSAGE)
    if selected:
        client.say(b"s SELECT INBOX\r\n")
    for number, command in enumerate(commands):
        tag = b"t%d" % number
        answer = client.say(tag + b" " + command + b"\r\n")
        if b"+ " in answer and tag + b" " not in answer:  # it waits for a line or a literal
            answer += client.say(b"12345\r\n" if command.endswith(b"}") else b"*\r\n")
        lines = replies(answer)
        assert b"SERVERBUG" not in answer
        if any(line.startswith(b"* BYE") for line in lines):
            return
        tagged = [line for line in lines if line.startswith((tag + b" OK", tag + b" NO", tag + b" BAD"))]
        assert tagged or any(line.startswith(b"* BAD") for line in lines), (command, answer)
        for line in lines:
            assert REPLY.match(line), line
