"""From a TOML file to a `Config`, or to every reason why not.

Standing rules: all errors at once; each is one line, `file: dotted.key: what to do`; nothing is opened,
created or bound here.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mailserverd.config.schema import Config, Listener, MetricsListener
from mailserverd.config.values import ListenAddress

_WANTED = {
    "int_type": "write a whole number without quotes",
    "bool_type": "write true or false without quotes",
    "string_type": "write a text in quotes",
    "tuple_type": "write a list in brackets",
    "dict_type": "write it as a section header in brackets",
    "model_type": "write it as a section header in brackets",
}


class ConfigError(Exception):
    """The configuration cannot be used; `lines` has one line for each thing to mend.

    rest: what the file says where it is right, to find what else is wrong; None where too much is. In the sections
    of `faulty` it is not what the file means.
    """

    def __init__(self, lines: list[str], rest: Config | None = None, faulty: Set[str] = frozenset()) -> None:
        super().__init__("\n".join(lines))
        self.lines, self.rest, self.faulty = lines, rest, faulty


def load(path: Path) -> Config:
    """Read `path`; relative paths in it count from its folder. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror}); name the file with --config"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 at byte {error.start}; save it as UTF-8"]) from None
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """Read the TOML `text` as if it stood in `path`. Raises ConfigError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_line(path, text, error)]) from None
    for required in ("server", "tls"):
        document.setdefault(required, {})
    try:
        config = _validated(document, path)
    except ValidationError as error:
        details = error.errors(include_url=False)
        rest, faulty = _rest(document, details, path)
        twice = _addresses_used_twice(rest) if rest is not None else []
        raise ConfigError([f"{path}: {line}" for line in (*map(_line, details), *twice)], rest, faulty) from None
    if twice := _addresses_used_twice(config):
        faulty = frozenset(line.partition(".")[0] for line in twice)
        raise ConfigError([f"{path}: {line}" for line in twice], _switched_off(config, faulty), faulty)
    return config


def _validated(document: dict[str, Any], path: Path) -> Config:
    return Config.model_validate(document, context={"folder": path.resolve().parent})


def _rest(
    document: dict[str, Any], details: Sequence[ErrorDetails], path: Path
) -> tuple[Config | None, frozenset[str]]:
    """What is left without everything that is wrong, and the sections that lack something by that."""
    faulty = frozenset(str(detail["loc"][0]) for detail in details if detail["type"] != "extra_forbidden")
    left = {name: dict(section) if isinstance(section, dict) else {} for name, section in document.items()}
    for detail in details:
        section, *key = (str(part) for part in detail["loc"])
        if key:
            left[section].pop(key[0], None)
        elif section not in Config.model_fields:
            del left[section]
    left["server"].setdefault("hostname", "localhost")
    try:
        return _switched_off(_validated(left, path), faulty), faulty
    except ValidationError:
        return None, faulty  # no data directory


def _switched_off(config: Config, listeners: Set[str]) -> Config:
    names = listeners & set(Config.LISTENERS)
    return config.model_copy(
        update={name: getattr(config, name).model_copy(update={"enabled": False}) for name in names}
    )


def _addresses_used_twice(config: Config) -> list[str]:
    seen: dict[ListenAddress, str] = {}
    lines = []
    for name in Config.LISTENERS:
        section: Listener | MetricsListener = getattr(config, name)
        for address in section.addresses if section.enabled else ():
            if (other := seen.setdefault(address, name)) != name:
                lines.append(f"{name}.addresses: {address} is also in {other}.addresses; change one")
    return lines


def _syntax_line(path: Path, text: str, error: tomllib.TOMLDecodeError) -> str:
    """tomllib ends its message with "(at line 3, column 7)" or "(at end of document)"."""
    what, _, where = str(error).rpartition(" (at ")
    number = where.removeprefix("line ").partition(",")[0] if where.startswith("line ") else str(text.count("\n") + 1)
    return f"{path}: line {number}: {what}; mend the TOML there"


def _line(detail: ErrorDetails) -> str:
    kind, location = detail["type"], [str(part) for part in detail["loc"]]
    key = ".".join(location)
    if kind == "extra_forbidden":
        return f"{key}: unknown key; {_hint(location)}"
    if kind == "missing":
        return f"{key}: is missing; add it under [{location[0]}]"
    if kind == "value_error":
        message = str(detail.get("ctx", {}).get("error", detail["msg"]))
        return f"{key}: {message}" if key else message
    if kind in _WANTED:
        return f"{key}: {_WANTED[kind]}"
    return f"{key}: {detail['msg'].replace('Input should be', 'must be')}; change it"


def _hint(location: list[str]) -> str:
    fields: dict[str, Any] = dict(Config.model_fields)
    for part in location[:-1]:
        annotation = fields[part].annotation
        fields = dict(annotation.model_fields) if _is_section(annotation) else {}
    close = difflib.get_close_matches(location[-1], fields, n=1)
    return f"did you mean {close[0]}?" if close else "remove it"


def _is_section(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
