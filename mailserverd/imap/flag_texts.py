"""Flags of a message as FETCH shows them, made once for each mask.

Standing rule: one table for each keyword table, shared by all sessions; tables and their entries are bounded.
"""

from collections import OrderedDict

from mailserverd.model.flags import SYSTEM_FLAGS, names_of

RECENT = 1 << 64  # above every bit of a mask: \Recent belongs to the session (RFC 3501 §2.3.2)
MAX_TABLES = 512
MAX_TEXTS = 2_048


class FlagTexts(dict[int, bytes]):
    """mask (| RECENT) -> b"(\\\\Seen $Junk)"."""

    __slots__ = ("keywords",)

    def __init__(self, keywords: tuple[str, ...]) -> None:
        super().__init__()
        self.keywords = keywords

    def __missing__(self, mask: int) -> bytes:
        if len(self) >= MAX_TEXTS:
            self.clear()
        names = list(names_of(mask & ~RECENT, self.keywords))
        if mask & RECENT:
            names.append("\\Recent")
        text = self[mask] = b"(%b)" % " ".join(names).encode("utf-8")
        return text


_tables: "OrderedDict[tuple[str, ...], FlagTexts]" = OrderedDict()


def flag_texts(keywords: tuple[str, ...]) -> FlagTexts:
    """The table that masks of a mailbox with these keywords are read with."""
    table = _tables.get(keywords)
    if table is None:
        while len(_tables) >= MAX_TABLES:
            _tables.popitem(last=False)
        table = _tables[keywords] = FlagTexts(keywords)
    return table


def all_flags(keywords: tuple[str, ...]) -> bytes:
    """Every flag that messages of the mailbox may carry, without parentheses."""
    return " ".join([name for name, _ in SYSTEM_FLAGS] + list(keywords)).encode("utf-8")
