"""LIST patterns (RFC 9051 §6.3.9): "*" matches anything, "%" anything but the separator.

Standing rule: matching costs pattern times name at worst, never more, whatever the wildcards; INBOX, and INBOX as the
first level, is matched in any case.
"""

SEPARATOR = "/"


def compile_pattern(pattern: str) -> tuple[str, ...]:
    """Pieces: "*", "%" or one character; runs of wildcards with a "*" among them are one "*"."""
    pieces: list[str] = []
    for char in pattern:
        if char in "*%" and pieces and pieces[-1] in "*%":
            if char == "*":
                pieces[-1] = "*"
            continue
        pieces.append(char)
    return tuple(pieces)


def matches(pattern: tuple[str, ...], name: str) -> bool:
    """Follows all ways through the pattern at once: bit i of `at` says that the first i pieces are matched."""
    length = len(pattern)
    stars = percents = 0
    letters: dict[str, int] = {}
    for i, piece in enumerate(pattern):
        if piece == "*":
            stars |= 1 << i
        elif piece == "%":
            percents |= 1 << i
        else:
            letters[piece] = letters.get(piece, 0) | 1 << i
    wild = stars | percents
    at = _skipping(1, wild)
    for char in name:
        stay = at & (stars if char == SEPARATOR else wild)
        at = _skipping(stay | (at & letters.get(char, 0)) << 1, wild)
        if not at:
            return False
    return bool(at >> length & 1)


def _skipping(at: int, wild: int) -> int:
    """A wildcard may match nothing; no two stand side by side, so one step is enough."""
    return at | (at & wild) << 1


def name_matches(pattern: tuple[str, ...], name: str) -> bool:
    if matches(pattern, name):
        return True
    if name[:5] != "INBOX" or name[5:6] not in ("", SEPARATOR):
        return False
    folded = tuple(piece.upper() if i < 5 else piece for i, piece in enumerate(pattern))
    return folded != pattern and matches(folded, name)
