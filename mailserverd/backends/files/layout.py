"""Where a blob lies, and how a file becomes durable.

    <root>/ab/cd/abcd...      the blob whose SHA-256 is abcd... (64 hex digits); mode 0600; never changed once there
    <root>/tmp/<pid>-<n>      a blob that is being written; whatever is here at a start is rubbish
    <root>/generation         the number of the newest generation, as a decimal line

A blob's generation is its modification time: generation 7 is seven seconds after the epoch. It needs no second file,
it is made durable by the same fsync, and no step of the clock can make a blob look old.

Standing rules: nothing here runs in the reactor thread; a name in a directory is durable after the directory's fsync,
a new directory after that of its parent.
"""

import os
from pathlib import Path

from mailserverd.model.identifiers import BlobId

TEMPORARY = "tmp"
GENERATION = "generation"
FIRST_GENERATION = 1


def relative_path(blob_id: BlobId) -> str:
    """Where the blob lies below the root."""
    text = blob_id.hex()
    return f"{text[:2]}/{text[2:4]}/{text}"


def blob_id_of(name: str) -> BlobId | None:
    """The blob that a file name means; None for anything that we did not put there."""
    if len(name) != 64:
        return None
    try:
        blob_id = BlobId(bytes.fromhex(name))
    except ValueError:
        return None
    return blob_id if blob_id.hex() == name else None


def sync_directory(path: str | Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(descriptor: int, content: bytes) -> None:
    """os.write takes what it likes; this takes all of it or raises."""
    written = os.write(descriptor, content)
    if written < len(content):
        rest = memoryview(content)[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def read_generation(root: Path) -> int:
    """The newest generation; FIRST_GENERATION where none was begun or the file does not say.

    Starting over is harmless: blobs of a later generation than the newest are taken for new by the next sweep.
    """
    try:
        return max(FIRST_GENERATION, int((root / GENERATION).read_text("ascii")))
    except (FileNotFoundError, ValueError):
        return FIRST_GENERATION


def write_generation(root: Path, generation: int) -> None:
    """Durable when it returns."""
    temporary = root / TEMPORARY / GENERATION
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_whole(descriptor, b"%d\n" % generation)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.rename(root / GENERATION)
    sync_directory(root)
