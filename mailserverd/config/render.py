"""The schema as text: a commented TOML file, and the manual in Markdown.

Standing rules: in the file each key stands once, on one line, either set or commented with its default, under an
uncommented section header; what is written can be read back by `load`.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from mailserverd.config.reload import is_reloadable
from mailserverd.config.schema import Config
from mailserverd.config.section import Section
from mailserverd.config.values import ListenAddress, Networks

Settings = Mapping[str, Mapping[str, object]]
"""Values to set, by section and key."""

SAMPLE: Settings = {
    "server": {"hostname": "mail.example.org", "data_directory": "/var/lib/mailserverd"},
    "tls": {
        "certificate": "/etc/mailserverd/tls/certificate.pem",
        "private_key": "/etc/mailserverd/tls/private_key.pem",
    },
}


def sections() -> Iterator[tuple[str, type[Section]]]:
    """All sections that a file has once, in the order of the file, by their dotted names."""
    for name, field in Config.model_fields.items():
        section = field.annotation
        assert isinstance(section, type)
        assert issubclass(section, Section)
        yield name, section
        for key, inner in section.model_fields.items():
            if _is_section(inner.annotation):
                yield f"{name}.{key}", inner.annotation  # type: ignore[misc]


def repeated(name: str, section: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    """The sections below one that a file has any number of times, by what stands in their header's brackets."""
    for key, field in section.model_fields.items():
        inner = [each for each in get_args(field.annotation) if _is_section(each)]
        if inner:
            is_named = str in get_args(field.annotation)
            yield (f"{name}.{key}.NAME" if is_named else f"[{name}.{key}]"), inner[0]


def keys(section: type[Section]) -> Iterator[tuple[str, FieldInfo]]:
    """The fields that are keys, not sections."""
    for key, field in section.model_fields.items():
        if not _is_section(field.annotation) and not any(_is_section(each) for each in get_args(field.annotation)):
            yield key, field


def _is_section(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def toml(settings: Settings, heading: str) -> str:
    """A whole file with `settings` set and every other key commented."""
    lines = [*_comment(heading)]
    for name, section in sections():
        lines += ["", f"[{name}]", *_comment(_doc(section))]
        chosen = settings.get(name, {})
        for key, field in keys(section):
            lines += ["", *_comment(field.description or "")]
            if key in chosen:
                lines.append(f"{key} = {toml_value(chosen[key])}")
            else:
                lines.append(f"#{key} = {toml_value(_default(section, key))}")
        for header, inner in repeated(name, section):
            lines += ["", *_comment(f"{_doc(inner)} As often as needed, at the end of the file:"), f"#   [{header}]"]
            lines += [f"#   {key} = {_shown(inner, key)}" for key, _ in keys(inner)]
    return "\n".join(lines) + "\n"


def sample() -> str:
    """The text of etc/mailserverd.toml."""
    heading = (
        "A sample configuration of mailserverd. Commented keys show their defaults. `mailserverd init` writes a file "
        "like this one; `mailserverd check-config` tells everything that is wrong with one; docs/configuration.md is "
        "the same as a manual. It is made from the program: after a change there, run `make sample-config`."
    )
    return toml(SAMPLE, heading)


def manual() -> str:
    """The text of docs/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "One TOML file, given with `--config FILE` or in the environment as `MAILSERVERD_CONFIG`; without either,",
        "`mailserverd.toml` in the working directory. Relative paths count from the folder of the file. This page is",
        "made from `mailserverd/config/schema.py` by `mailserverd config-docs`.",
        "",
        "An unknown key, a value of the wrong type, a missing certificate, a port in use or a directory that cannot be",
        "written is an error; all errors are told at once, a line each, and nothing is started.",
        "`mailserverd check-config` does the same without starting.",
        "",
        "*Reload* says whether SIGHUP changes the key on a running server. The other keys wait for a restart; SIGHUP",
        "after such a change names them in the log. Certificate and key files are read anew at each SIGHUP; sessions",
        "go on.",
    ]
    for name, section in sections():
        lines += _page(name, section)
        for header, inner in repeated(name, section):
            lines += _page(header, inner, as_a_whole=is_reloadable(section, header.strip("[]").split(".")[1]))
    return "\n".join(lines) + "\n"


def _page(header: str, section: type[Section], as_a_whole: bool | None = None) -> list[str]:
    """as_a_whole: whether SIGHUP changes all of it, where its keys do not say so themselves."""
    lines = ["", f"## [{header}]", "", _doc(section), "", "| key | default | reload | |", "| --- | --- | --- | --- |"]
    for key, field in keys(section):
        default = "(required)" if field.is_required() else f"`{_shown(section, key)}`"
        reload = is_reloadable(section, key) if as_a_whole is None else as_a_whole
        lines.append(f"| `{key}` | {default} | {'yes' if reload else 'no'} | {_cell(field.description or '')} |")
    return lines


def toml_value(value: object) -> str:
    """One TOML value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if value is None:
        return '""'
    if isinstance(value, (str, Path, ListenAddress)):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(toml_value(each) for each in value) + "]"
    if isinstance(value, Networks):
        return toml_value([str(each) for each in value])
    raise TypeError(f"no TOML for {value!r}")


def _default(section: type[Section], key: str) -> object:
    default = section.model_fields[key].default
    return SAMPLE["server"][key] if default is PydanticUndefined else default


_EXAMPLES: Mapping[str, object] = {
    "domain": "lists.example",
    "addresses": ["192.0.2.25"],
    "url": "https://hooks.example/mail",
    "secret_file": "webhook.key",
}
"""What is shown for a required key of a section that may stand any number of times."""


def _shown(section: type[Section], key: str) -> str:
    field = section.model_fields[key]
    if field.is_required():
        return toml_value(_EXAMPLES.get(key) or _default(section, key))
    return toml_value(field.default)


def _doc(section: type[Section]) -> str:
    return (section.__doc__ or "").strip()


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, width=118, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
