"""docs/rfcs.md names every RFC that the code cites, and modules that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "mailserverd"
TABLE = (ROOT / "docs/rfcs.md").read_text()


def test_every_rfc_that_the_code_cites_is_in_the_table() -> None:
    cited = {number for path in SOURCE.rglob("*.py") for number in re.findall(r"RFC ?(\d{3,5})", path.read_text())}
    assert cited
    assert sorted(cited - set(re.findall(r"\b\d{3,5}\b", TABLE))) == []


def test_every_place_that_the_table_names_is_there() -> None:
    named = {name for row in TABLE.splitlines() if row.startswith("|") for name in re.findall(r"`([\w/.]+)`", row)}
    assert named
    missing = [
        name for name in named if not (SOURCE / name).exists() and not list(SOURCE.rglob(name))
    ]  # a bare file name stands in the folder of the name before it
    assert missing == []


def test_every_row_says_how_far_it_goes() -> None:
    rows = [row.split("|")[1:-1] for row in TABLE.splitlines() if re.match(r"\| \d", row)]
    assert len(rows) > 50
    for row in rows:
        assert len(row) == 4, row
        said = row[2].strip()
        assert re.match(r"(yes|partial|no|kept|CONDSTORE yes)\b", said), row
        assert row[3].strip() or said.startswith("no"), row
