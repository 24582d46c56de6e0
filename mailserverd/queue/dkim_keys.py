"""Every domain's DKIM keys, read once: who signs for a domain, and the steps of a key's life.

Standing rules: asking costs a look into a dictionary; the steps write files, so they are called off the reactor's
thread, one at a time; a step that fails leaves everything as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from mailserverd.queue.key_files import (
    domains_in,
    make_keys,
    read_generations,
    read_keys,
    remove_keys,
    write_generations,
)
from mailserverd.queue.key_rotation import (
    ACTIVE,
    Generation,
    NothingToDo,
    activated,
    added,
    next_name,
    removed,
    ripe,
    seen,
)
from mailserverd.wire.authentication.signing_key import SigningKey, UnusableKey


class Held(NamedTuple):
    generation: Generation
    keys: tuple[SigningKey, ...]


class DkimKeys:
    """folder: data_directory/dkim. Domains are in A-labels."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, tuple[Held, ...]] = {}
        self._step = Lock()

    def load(self) -> list[str]:
        """Read all of them again; what cannot be used, a line each."""
        with self._step:
            held, wrong = {}, []
            for domain in domains_in(self._folder):
                try:
                    held[domain] = self._read(domain)
                except UnusableKey as error:
                    wrong.append(str(error))
                except OSError as error:
                    wrong.append(f"{error.filename or self._folder / domain}: cannot be read ({error.strerror})")
            self._held = held
            return wrong

    def _read(self, domain: str) -> tuple[Held, ...]:
        known = read_generations(self._folder, domain)
        return tuple(Held(each, read_keys(self._folder, domain, each)) for each in known)

    def domains(self) -> list[str]:
        return sorted(self._held)

    def of(self, domain: str) -> tuple[Held, ...]:
        """All generations, oldest first."""
        return self._held.get(domain, ())

    def signing(self, domain: str) -> tuple[SigningKey, ...]:
        """The keys that sign for exactly this domain; none: ()."""
        for each in self._held.get(domain, ()):
            if each.generation.state == ACTIVE:
                return each.keys
        return ()

    # Steps. Each raises NothingToDo, OSError, UnusableKey.

    def create(self, domain: str, now: int) -> Held:
        """The first keys of a domain."""
        if self._held.get(domain) or read_generations(self._folder, domain):  # some that could not be used, perhaps
            raise NothingToDo(f"{domain} has keys; make new ones with: dkim rotate {domain}")
        return self._add(domain, now)

    def rotate(self, domain: str, now: int) -> Held:
        """New keys beside those that sign."""
        if not self._held.get(domain):
            raise NothingToDo(f"{domain} has no keys; make the first with: dkim create {domain}")
        return self._add(domain, now)

    def _add(self, domain: str, now: int) -> Held:
        with self._step:
            before = self._generations(domain)
            after = added(before, next_name(before, now), now)
            make_keys(self._folder, domain, after[-1])
            return self._stored(domain, after)[-1]

    def activate(self, domain: str, now: int) -> tuple[Held, ...]:
        return self._changed(domain, lambda known: activated(known, now))

    def retire(self, domain: str, name: str = "") -> list[str]:
        """Remove keys for good; the names of those that went."""
        before = self._generations(domain)
        kept = {each.generation.name for each in self._changed(domain, lambda known: removed(known, name))}
        gone = [each.name for each in before if each.name not in kept]
        for each in gone:
            remove_keys(self._folder, domain, each)
        return gone

    def looked(self, domain: str, published: Sequence[str], now: int) -> bool:
        """After a look into the DNS; whether new keys sign from now on."""
        if seen(self._generations(domain), published, now) != self._generations(domain):
            self._changed(domain, lambda known: seen(known, published, now))
        if not ripe(self._generations(domain), now):
            return False
        self.activate(domain, now)
        return True

    def _changed(
        self, domain: str, change: Callable[[tuple[Generation, ...]], tuple[Generation, ...]]
    ) -> tuple[Held, ...]:
        with self._step:
            return self._stored(domain, change(self._generations(domain)))

    def _generations(self, domain: str) -> tuple[Generation, ...]:
        return tuple(each.generation for each in self._held.get(domain, ()))

    def _stored(self, domain: str, known: tuple[Generation, ...]) -> tuple[Held, ...]:
        held = tuple(Held(each, read_keys(self._folder, domain, each)) for each in known)
        write_generations(self._folder, domain, known)
        self._held[domain] = held
        return held
