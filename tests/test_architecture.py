"""The house rules that a machine can hold: sizes, names, docstrings, imports, settings that are really read."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailserverd.config.render import sections
from mailserverd.config.schema import Listener

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "mailserverd").rglob("*.py"))
MAX_LINES = 500
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "handler", "processor"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b|\bfor now\b")

source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@source
def test_a_file_answers_one_question(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    assert path.stem not in FORBIDDEN_NAMES


@source
def test_a_module_opens_with_its_rules(path: Path) -> None:
    if path.read_text(encoding="utf-8").strip() or path.name != "__init__.py":
        assert ast.get_docstring(tree(path)), "a module docstring says what the module is for"


@source
def test_nothing_is_left_unfinished(path: Path) -> None:
    assert UNFINISHED.findall(path.read_text(encoding="utf-8")) == []


@source
def test_only_the_top_floors_know_the_reactor(path: Path) -> None:
    if path.name == "tap.py":
        return
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module == "twisted.internet":
            assert "reactor" not in [alias.name for alias in node.names], "the reactor is an argument"


@source
def test_nobody_sleeps(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) != ("time", "sleep")


def test_no_init_under_twisted() -> None:
    """A package would hide Twisted's own."""
    assert list((ROOT / "twisted").rglob("__init__.py")) == []


def test_every_folder_of_sources_is_a_package() -> None:
    folders = {path.parent for path in SOURCES}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def attributes_read() -> set[str]:
    """Every attribute name that any module outside config reads, and every name given to getattr as a text."""
    names: set[str] = set()
    for path in SOURCES:
        if path.parent.name == "config":
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                names.add(node.attr)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
                names.update(
                    each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
                )
    return names


def keys() -> Iterator[tuple[str, str]]:
    for name, section in sections():
        for key in section.model_fields:
            yield name, key


def test_every_setting_is_read_by_somebody() -> None:
    read = attributes_read()
    assert [f"{name}.{key}" for name, key in keys() if key not in read] == []


def test_every_listener_of_the_schema_is_served() -> None:
    text = (ROOT / "mailserverd/assembly/protocols.py").read_text() + (
        ROOT / "mailserverd/assembly/services.py"
    ).read_text()
    for name, section in sections():
        if issubclass(section, Listener) or name == "metrics":
            assert f'"{name}"' in text, f"[{name}] is in the schema and served by nobody"
