"""The part tree: one walk over the octets, from boundary to boundary (RFC 2046 §5.1).

Linear in the octets for a given depth: of every open multipart the next boundary line is known, an inner one is looked
for only up to the next outer one, and no octet is passed twice by the same search. Recursion is bounded by the depth.
"""

from mailserverd.wire.mime.headers import Values, find_header_end, read_header
from mailserverd.wire.mime.limits import MimeLimits
from mailserverd.wire.mime.parts import ENCODING_SHIFT, ENTRY, IS_TEXT
from mailserverd.wire.mime.structure import LEAF, MESSAGE, MULTIPART, Facts, facts_of_header, facts_of_values


class Entity:
    """A message or body part. values: of a message only; children: parts of a multipart, content of a message."""

    __slots__ = ("body_start", "children", "end", "facts", "header_start", "parent", "values")

    def __init__(
        self, header_start: int, body_start: int, end: int, facts: Facts, parent: "Entity | None", values: Values | None
    ) -> None:
        self.header_start = header_start
        self.body_start = body_start
        self.end = end
        self.facts = facts
        self.parent = parent
        self.values = values
        self.children: list[Entity] = []


def read_tree(octets: bytes, limits: MimeLimits) -> tuple[Entity, bytes]:
    """The message as a tree, and the header index of its own header."""
    length = len(octets)
    body = find_header_end(octets, 0, length)
    if body < 0:
        body = length
    header_index, values = read_header(octets[:body], limits)
    facts = facts_of_values(values, False, False, limits.boundary_octets)
    root = Entity(0, body, length, facts, None, values)
    if facts.kind != LEAF:
        _Walk(octets, limits).read(root)
    return root, header_index


class _Walk:
    """path: the open entities from the message to the innermost. open, delimiters, upcoming, heights, searched: of each
    open multipart itself, its "\\n--boundary", where that comes next (far beyond the end: not before `searched`), its
    place in the path, and how far it was looked for."""

    __slots__ = (
        "budget",
        "count",
        "delimiters",
        "far",
        "heights",
        "limits",
        "octets",
        "open",
        "path",
        "searched",
        "upcoming",
    )

    def __init__(self, octets: bytes, limits: MimeLimits) -> None:
        self.octets, self.limits = octets, limits
        self.far = len(octets) + 1
        self.count = 1
        self.budget = limits.part_header_octets
        self.path: list[Entity] = []
        self.open: list[Entity] = []
        self.delimiters: list[bytes] = []
        self.upcoming: list[int] = []
        self.heights: list[int] = []
        self.searched: list[int] = []

    def read(self, root: Entity) -> None:
        self._enter(root)
        octets, far, upcoming = self.octets, self.far, self.upcoming
        while self.open:
            found = min(upcoming)
            if found == far:
                break
            level = self._level_at(found)
            after = found + len(self.delimiters[level])
            line_end = octets.find(b"\n", after)
            next_start = len(octets) if line_end < 0 else line_end + 1
            closing = octets.startswith(b"--", after, next_start)
            if not closing and self.count >= self.limits.parts:
                break
            self._close_down_to(level, found)
            if closing:
                self._forget(level)
                level -= 1
            self._look_on(level, next_start - 1)
            if not closing:
                self._begin_part(self.open[level], next_start)
        self._finish()

    def _level_at(self, found: int) -> int:
        """Whose boundary line this is. RFC 2046 §5.1.1: the line need only begin with the boundary, so of those that
        it begins with the longest counts, and of the same one the innermost."""
        upcoming = self.upcoming
        if len(upcoming) == 1:
            return 0
        best, longest = 0, -1
        for level, place in enumerate(upcoming):
            if place == found and len(self.delimiters[level]) >= longest:
                best, longest = level, len(self.delimiters[level])
        return best

    def _look_on(self, level: int, here: int) -> None:
        """Find the next boundary line of each multipart down to `level` again, where it is passed or not known."""
        outer, upcoming = self.far, self.upcoming
        for place in range(level + 1):
            if upcoming[place] < here:
                self._look(place, here, outer)
            elif upcoming[place] == self.far and self.searched[place] < self._stop(place, outer):
                self._look(place, max(here, self.searched[place] - len(self.delimiters[place])), outer)
            outer = min(outer, upcoming[place])

    def _stop(self, level: int, outer: int) -> int:
        """How far to look: the next boundary line of an outer multipart, of which this one's may be a longer form."""
        return len(self.octets) if outer == self.far else outer + len(self.delimiters[level])

    def _look(self, level: int, start: int, outer: int) -> None:
        stop = self._stop(level, outer)
        place = self.octets.find(self.delimiters[level], start, stop)
        self.upcoming[level] = self.far if place < 0 else place
        self.searched[level] = stop

    def _forget(self, level: int) -> None:
        del (
            self.open[level:],
            self.delimiters[level:],
            self.upcoming[level:],
            self.heights[level:],
            self.searched[level:],
        )

    def _close_down_to(self, level: int, found: int) -> None:
        """What is open inside that multipart ends here: the CRLF before a boundary belongs to the boundary."""
        self._forget(level + 1)
        height = self.heights[level] + 1
        end = self._line_before(found)
        path = self.path
        while len(path) > height:
            entity = path.pop()
            end = max(end, entity.body_start)
            entity.end = end

    def _line_before(self, newline: int) -> int:
        return newline - 1 if newline and self.octets[newline - 1] == 13 else newline

    def _body_start(self, start: int) -> int:
        """Where the body of the entity that begins at `start` begins: its header ends with an empty line, or is cut
        by the next boundary."""
        boundary = min(self.upcoming, default=self.far)
        if boundary == self.far:
            body = find_header_end(self.octets, start, len(self.octets))
            return len(self.octets) if body < 0 else body
        body = find_header_end(self.octets, start, boundary + 1)
        return max(start, self._line_before(boundary)) if body < 0 else body

    def _header(self, start: int, body: int) -> bytes:
        """The header block, as far as it may still be read: it costs much more than other octets do."""
        octets = min(body - start, self.limits.header_octets, self.budget)
        self.budget -= octets
        return self.octets[start : start + octets]

    def _begin_part(self, parent: Entity, start: int) -> None:
        body = self._body_start(start)
        limits = self.limits
        opaque = len(self.path) >= limits.depth
        facts = facts_of_header(
            self._header(start, body), parent.facts.subtype == b"digest", opaque, limits.boundary_octets
        )
        self._add(Entity(start, body, len(self.octets), facts, parent, None))

    def _add(self, entity: Entity) -> None:
        parent = entity.parent
        if parent is not None:
            parent.children.append(entity)
        self.count += 1
        if entity.facts.kind != LEAF:
            self._enter(entity)
        else:
            self.path.append(entity)

    def _enter(self, entity: Entity) -> None:
        self.path.append(entity)
        if entity.facts.kind == MESSAGE:
            self._begin_message(entity)
            return
        self.open.append(entity)
        self.delimiters.append(b"\n" + entity.facts.delimiter)
        self.heights.append(len(self.path) - 1)
        outer = min(self.upcoming, default=self.far)
        self.upcoming.append(self.far)
        self.searched.append(0)
        self._look(len(self.upcoming) - 1, max(entity.body_start - 1, 0), outer)

    def _begin_message(self, container: Entity) -> None:
        """The message within a message/rfc822 part. It is there even when there is no room for its own parts."""
        start = container.body_start
        body = self._body_start(start)
        _, values = read_header(self._header(start, body), self.limits)
        opaque = len(self.path) >= self.limits.depth or self.count >= self.limits.parts
        facts = facts_of_values(values, False, opaque, self.limits.boundary_octets)
        self._add(Entity(start, body, len(self.octets), facts, container, values))

    def _finish(self) -> None:
        """What is still open ends with the message: a final boundary is missing, or this is an epilogue."""
        for entity in self.path:
            entity.end = len(self.octets)


def pack_parts(root: Entity) -> bytes:
    """The part map (see parts.py), in breadth-first order so that children lie side by side."""
    order = [root]
    packed: list[bytes] = []
    for entity in order:
        facts, children = entity.facts, entity.children
        flags = facts.kind | facts.encoding << ENCODING_SHIFT
        if facts.media == b"text":
            flags |= IS_TEXT
        packed.append(ENTRY.pack(flags, len(order), len(children), entity.header_start, entity.body_start, entity.end))
        order += children
    return b"".join(packed)


def fill_empty(root: Entity, empty: Facts) -> None:
    """Give each multipart without parts an empty one: BODYSTRUCTURE has at least one (RFC 9051 §9 body-type-mpart)."""
    order = [root]
    for entity in order:
        if entity.facts.kind == MULTIPART and not entity.children:
            entity.children.append(Entity(entity.end, entity.end, entity.end, empty, entity, None))
        order += entity.children
