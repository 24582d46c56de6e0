"""The generations of a domain's DKIM keys: which signs, which is to come, which may go. Pure.

Standing rules: exactly one generation signs, once there is any; a new one waits until its records were seen in the
DNS for a while, or a person says so; one that signs no more is kept in the DNS for as long as its mail may travel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import gmtime, strftime

NEW, ACTIVE, RETIRING = "new", "active", "retiring"
SEEN_SECONDS = 3600  # resolvers that asked before may hold "no such name" so long
KEEP_SECONDS = 7 * 86400  # mail is tried for five days, and then verified


@dataclass(frozen=True, slots=True)
class Generation:
    """A pair of keys, one of each algorithm. since: when it came into this state; published_since: when all its
    records were first seen in the DNS, and at every look after that; 0: not now."""

    name: str
    state: str
    created: int
    since: int
    published_since: int = 0

    def selector(self, kind: str) -> str:
        return f"{self.name}-{kind}"


class NothingToDo(Exception):
    """It cannot be done as asked; the text is for a person."""


def next_name(known: Sequence[Generation], now: int) -> str:
    """The day; a letter behind it where there is one of this day."""
    day: str = strftime("%Y%m%d", gmtime(now))
    taken = {each.name for each in known}
    for letter in " bcdefghijklmnopqrstuvwxyz":
        name = day + letter.strip()
        if name not in taken:
            return name
    raise NothingToDo("there are more than enough keys of today")


def added(known: Sequence[Generation], name: str, now: int) -> tuple[Generation, ...]:
    """With one more. The first of all signs at once: until its records are published, that is as good as unsigned."""
    if any(each.state == NEW for each in known):
        raise NothingToDo("a new key waits already; publish its records, then: dkim rotate --activate")
    state = NEW if any(each.state == ACTIVE for each in known) else ACTIVE
    return (*known, Generation(name, state, now, now))


def activated(known: Sequence[Generation], now: int) -> tuple[Generation, ...]:
    """The new one signs, and the one that did retires."""
    if not any(each.state == NEW for each in known):
        raise NothingToDo("there is no new key; make one with: dkim rotate")
    moved = {NEW: ACTIVE, ACTIVE: RETIRING}
    return tuple(replace(each, state=moved[each.state], since=now) if each.state in moved else each for each in known)


def removed(known: Sequence[Generation], name: str) -> tuple[Generation, ...]:
    """Without those that retire, or without one of them (or a new one) by name."""
    if name:
        gone = [each for each in known if each.name == name]
        if not gone:
            raise NothingToDo(f"there is no key {name}")
        if gone[0].state == ACTIVE:
            raise NothingToDo(f"key {name} signs; activate another one before it is retired")
    else:
        gone = [each for each in known if each.state == RETIRING]
        if not gone:
            raise NothingToDo("no key retires; one that signs is replaced with: dkim rotate")
    return tuple(each for each in known if each not in gone)


def seen(known: Sequence[Generation], published: Sequence[str], now: int) -> tuple[Generation, ...]:
    """After a look into the DNS that found all records of the generations named in `published`."""
    return tuple(
        replace(each, published_since=(each.published_since or now) if each.name in published else 0) for each in known
    )


def ripe(known: Sequence[Generation], now: int) -> bool:
    """Whether a new one has been seen in the DNS for long enough to sign."""
    return any(
        each.state == NEW and each.published_since and now - each.published_since >= SEEN_SECONDS for each in known
    )


def removable_at(generation: Generation) -> int:
    """When one that retires may leave the DNS."""
    return generation.since + KEEP_SECONDS
