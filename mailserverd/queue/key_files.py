"""The DKIM keys on disk: FOLDER/DOMAIN/NAME.rsa.pem, NAME.ed25519.pem and generations.json.

Standing rules: private keys are readable by the server's user alone, and never leave their file but to sign; a file is
there whole or not at all; what is wrong with one is said with its path, and keeps no other from being used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from mailserverd.queue.key_rotation import NEW, Generation
from mailserverd.wire.authentication.signing_key import ALGORITHMS, SigningKey, UnusableKey, new_key, read_key

_STATE = "generations.json"
_MAX_OCTETS = 65_536
_is_selector = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,50}").fullmatch  # and "-ed25519" behind it: one label


def domains_in(folder: Path) -> list[str]:
    try:
        return sorted(each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    except FileNotFoundError:
        return []


def read_generations(folder: Path, domain: str) -> tuple[Generation, ...]:
    """Oldest first. Files that nobody wrote down are a new generation. Raises OSError, UnusableKey."""
    place = folder / domain
    try:
        known = msgspec.json.decode((place / _STATE).read_bytes(), type=list[Generation])
    except FileNotFoundError:
        known = []
    except msgspec.DecodeError as error:
        raise UnusableKey(f"{place / _STATE}: {error}") from None
    names = {each.name for each in known}
    for file in sorted(place.glob(f"*.{ALGORITHMS[0]}.pem")):
        name = file.name.removesuffix(f".{ALGORITHMS[0]}.pem")
        if name not in names and _is_selector(name) and (place / f"{name}.{ALGORITHMS[1]}.pem").exists():
            changed = int(file.stat().st_mtime)
            known.append(Generation(name, NEW, changed, changed))
    return tuple(known)


def read_keys(folder: Path, domain: str, generation: Generation) -> tuple[SigningKey, ...]:
    """Those of the generation that are there. Raises OSError, UnusableKey."""
    out = []
    for kind in ALGORITHMS:
        path = folder / domain / f"{generation.name}.{kind}.pem"
        try:
            with path.open("rb") as file:
                pem = file.read(_MAX_OCTETS)
            key = read_key(domain, generation.selector(kind), pem)
        except FileNotFoundError:
            continue
        except UnusableKey as error:
            raise UnusableKey(f"{path}: {error}") from None
        if key.kind != kind:
            raise UnusableKey(f"{path}: is not a key of {kind}")
        out.append(key)
    if not out:
        raise UnusableKey(f"{folder / domain}: the keys of {generation.name} are gone")
    return tuple(out)


def make_keys(folder: Path, domain: str, generation: Generation) -> tuple[SigningKey, ...]:
    """Raises OSError."""
    place = folder / domain
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = tuple(new_key(domain, generation.selector(kind), kind) for kind in ALGORITHMS)
    for key in keys:
        _write(place / f"{generation.name}.{key.kind}.pem", key.pem())
    return keys


def remove_keys(folder: Path, domain: str, name: str) -> None:
    for kind in ALGORITHMS:
        (folder / domain / f"{name}.{kind}.pem").unlink(missing_ok=True)


def write_generations(folder: Path, domain: str, known: Sequence[Generation]) -> None:
    _write(folder / domain / _STATE, msgspec.json.format(msgspec.json.encode(list(known))))


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
