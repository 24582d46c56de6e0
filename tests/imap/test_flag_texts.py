from mailserverd.imap import flag_texts as module
from mailserverd.imap.flag_texts import RECENT, all_flags, flag_texts


def test_a_mask_as_text():
    texts = flag_texts(("$A", "b"))
    assert texts[0] == b"()"
    assert texts[1 | 8 | 1 << 9 | RECENT] == b"(\\Seen \\Deleted b \\Recent)"
    assert texts[1 << 63] == b"()"  # a keyword that this table does not know
    assert all_flags(("$A",)) == b"\\Seen \\Answered \\Flagged \\Deleted \\Draft $A"


def test_tables_are_shared_and_bounded(monkeypatch):
    monkeypatch.setattr(module, "MAX_TABLES", 3)
    monkeypatch.setattr(module, "MAX_TEXTS", 4)
    first = flag_texts(("one",))
    assert flag_texts(("one",)) is first
    for i in range(10):
        flag_texts((f"k{i}",))
    assert len(module._tables) <= 3
    for mask in range(20):
        first[mask]
    assert len(first) <= 4
