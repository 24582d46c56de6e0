"""The sample file and the manual agree with the schema, and with the copies in the repository."""

import re
from pathlib import Path

from mailserverd.config.load import parse
from mailserverd.config.render import SAMPLE, keys, manual, sample, sections, toml

ROOT = Path(__file__).parents[2]
KEY = re.compile(r"^#?([a-z0-9_]+) = ", re.MULTILINE)


def test_every_field_has_a_doc_line() -> None:
    bare = [f"{name}.{key}" for name, section in sections() for key, field in keys(section) if not field.description]
    assert bare == []


def test_each_key_stands_once_on_one_line_under_its_header() -> None:
    parts = re.split(r"^\[([a-z0-9.]+)\]$", sample(), flags=re.MULTILINE)[1:]
    found = {name: KEY.findall(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}
    assert found == {name: [key for key, _ in keys(section)] for name, section in sections()}


def test_the_sample_can_be_loaded_and_so_can_its_defaults() -> None:
    commented_in = re.sub(r"^#([a-z0-9_]+ = )", r"\1", sample(), flags=re.MULTILINE)
    assert parse(sample(), Path("/x")) == parse(commented_in, Path("/x"))


def test_a_value_that_is_set_is_not_commented() -> None:
    text = toml({**SAMPLE, "imap": {"max_bad_commands": 7}}, "Mine.")
    assert text.startswith("# Mine.\n")
    assert "\nmax_bad_commands = 7\n" in text
    assert parse(text, Path("/x")).imap.max_bad_commands == 7


def test_the_files_in_the_repository_are_those_that_the_program_writes() -> None:
    assert (ROOT / "etc/mailserverd.toml").read_text() == sample(), "run `make sample-config`"
    assert (ROOT / "docs/configuration.md").read_text() == manual(), "run `make sample-config`"
