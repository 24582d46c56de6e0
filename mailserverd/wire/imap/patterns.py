"""LIST patterns (RFC 9051 §6.3.9): "*" matches anything, "%" anything but the separator.

Standing rule: matching costs pattern times name at worst, never more, whatever the wildcards, and nothing where the
pattern has more letters than the name; INBOX, and INBOX as the first level, is matched in any case.
"""

from typing import NamedTuple

from mailserverd.model.mailbox import INBOX, SEPARATOR


class Pattern(NamedTuple):
    """A pattern ready to match. Bit i of a mask speaks of the pattern's piece i.

    pieces: how many wildcards and letters; letters: how many letters; inbox: the pattern with its first five pieces in
    capitals, where that makes a difference.
    """

    pieces: int
    letters: int
    stars: int
    wild: int
    places: dict[str, int]
    inbox: "Pattern | None"


def compile_pattern(pattern: str) -> Pattern:
    """Runs of wildcards with a "*" among them are one "*"."""
    pieces: list[str] = []
    for char in pattern:
        if char in "*%" and pieces and pieces[-1] in "*%":
            if char == "*":
                pieces[-1] = "*"
            continue
        pieces.append(char)
    folded = [piece.upper() if i < 5 else piece for i, piece in enumerate(pieces)]
    return _compiled(pieces, _compiled(folded, None) if folded != pieces else None)


def _compiled(pieces: list[str], inbox: Pattern | None) -> Pattern:
    masks: dict[str, int] = {}
    bit = 1
    for piece in pieces:
        masks[piece] = masks.get(piece, 0) | bit
        bit <<= 1
    stars, percents = masks.pop("*", 0), masks.pop("%", 0)
    wild = stars | percents
    return Pattern(len(pieces), len(pieces) - wild.bit_count(), stars, wild, masks, inbox)


def matches(pattern: Pattern, name: str) -> bool:
    """Follows all ways through the pattern at once: bit i of `at` says that the first i pieces are matched."""
    pieces, letters, stars, wild, places, _ = pattern
    if letters > len(name):
        return False
    at = 1 | (1 & wild) << 1
    for char in name:
        stay = at & (stars if char == SEPARATOR else wild)
        at = stay | (at & places.get(char, 0)) << 1
        if not at:
            return False
        at |= (at & wild) << 1  # a wildcard may match nothing; no two stand side by side, so one step is enough
    return bool(at >> pieces & 1)


def name_matches(pattern: Pattern, name: str) -> bool:
    if matches(pattern, name):
        return True
    if pattern.inbox is None or name[:5] != INBOX or name[5:6] not in ("", SEPARATOR):
        return False
    return matches(pattern.inbox, name)
