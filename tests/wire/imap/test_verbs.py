"""wire/imap/verbs.py: which verb stands in a command."""

import pytest

from mailserverd.wire.imap.verbs import UID_VERBS, VERBS, verb_at


@pytest.mark.parametrize(
    ("text", "verb", "end"),
    [
        (b"a NOOP", VERBS[b"NOOP"], 6),
        (b"a noop ", VERBS[b"NOOP"], 6),
        (b"a Fetch 1 FLAGS", VERBS[b"FETCH"], 7),
        (b"a uid fetch 1 FLAGS", UID_VERBS[b"FETCH"], 11),
        (b"a UID NOOP", None, 10),
        (b"a UID", None, 5),
        (b"a UID  FETCH 1", None, 6),
        (b"a XYZ 1", None, 5),
        (b"a ", None, 2),
    ],
)
def test_verb_at(text, verb, end):
    assert verb_at(text, 2) == (verb, end)
