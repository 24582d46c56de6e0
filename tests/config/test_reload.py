"""Which changes of the file a running server takes over."""

from pathlib import Path

from mailserverd.config.load import parse
from mailserverd.config.reload import is_reloadable, merged
from mailserverd.config.schema import Limits, Store

MINIMAL = '[server]\nhostname = "mail.example.org"\ndata_directory = "data"\n'
RUNNING = parse(MINIMAL, Path("/x"))


def test_limits_are_taken_over_and_the_rest_waits() -> None:
    wanted = parse(
        MINIMAL + "[limits]\nmax_connections = 5\n[store]\nzstd_level = 9\n[imap]\nenabled = false\n", Path("/x")
    )
    config, waiting = merged(RUNNING, wanted)
    assert config.limits.max_connections == 5
    assert config.store.zstd_level == RUNNING.store.zstd_level
    assert config.imap.enabled
    assert waiting == ["imap.enabled", "store.zstd_level"]


def test_the_same_file_changes_nothing() -> None:
    assert merged(RUNNING, RUNNING) == (RUNNING, [])


def test_the_marks() -> None:
    assert is_reloadable(Limits, "exempt_networks")
    assert not is_reloadable(Store, "map_size_bytes")
