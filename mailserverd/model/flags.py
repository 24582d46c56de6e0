"""Flags: names as IMAP and JMAP speak of them, masks as the store packs them.

A mask is one unsigned 64-bit number a message. Bits 0-4 are the system flags below; bit 8 + i is keyword i
of the mailbox's keyword table (so a mailbox has room for 56 keywords; one more is refused, never dropped).
\\Recent is not a flag of a message but of a session (RFC 3501 §2.3.2): see MailboxRow.recent_from.
"""

SEEN, ANSWERED, FLAGGED, DELETED, DRAFT = 1, 2, 4, 8, 16
SYSTEM_FLAGS: tuple[tuple[str, int], ...] = (
    ("\\Seen", SEEN),
    ("\\Answered", ANSWERED),
    ("\\Flagged", FLAGGED),
    ("\\Deleted", DELETED),
    ("\\Draft", DRAFT),
)
SYSTEM_BITS: dict[str, int] = {name.lower(): bit for name, bit in SYSTEM_FLAGS}
KEYWORD_SHIFT = 8
MAX_KEYWORDS = 56
MAX_KEYWORD_OCTETS = 255


def mask_of(flags: frozenset[str] | tuple[str, ...], keywords: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    """The mask of these flag names and the names that `keywords` does not hold yet.

    System flags and keywords are compared without regard to case (RFC 9051 §2.3.2).
    """
    table = {word.lower(): KEYWORD_SHIFT + i for i, word in enumerate(keywords)}
    mask, unknown = 0, []
    for flag in flags:
        low = flag.lower()
        if low in SYSTEM_BITS:
            mask |= SYSTEM_BITS[low]
        elif low in table:
            mask |= 1 << table[low]
        else:
            unknown.append(flag)
    return mask, tuple(unknown)


def names_of(mask: int, keywords: tuple[str, ...]) -> tuple[str, ...]:
    """The flag names of a mask, system flags first."""
    names = [name for name, bit in SYSTEM_FLAGS if mask & bit]
    rest = mask >> KEYWORD_SHIFT
    if rest:
        names.extend(word for i, word in enumerate(keywords) if rest >> i & 1)
    return tuple(names)
