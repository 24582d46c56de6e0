"""backends/lmdb/environment.py: what a reader sees while others commit."""

from pathlib import Path

import pytest

from mailserverd.backends.lmdb.environment import Environment, Reading


def test_a_snapshot_is_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit that comes between its two transactions makes it begin anew."""
    environment = Environment(tmp_path / "snapshot", 1 << 24)
    begin, commits = environment.read, iter([b"first", b"second"])

    def read(buffers: bool = False) -> Reading:
        if buffers and (value := next(commits, None)):
            transaction = environment.begin_write()
            transaction.put(b"key", value)
            transaction.commit()
        return begin(buffers)

    monkeypatch.setattr(environment, "read", read)
    with environment.snapshot() as (octets, views):
        assert octets.get(b"key") == b"second"
        assert bytes(views.get(b"key")) == b"second"
    environment.close()
