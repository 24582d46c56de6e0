"""The schema as text: a commented TOML file, and the manual in Markdown.

Standing rules: in the file each key stands once, on one line, either set or commented with its default, under an
uncommented section header; what is written can be read back by `load`.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic_core import PydanticUndefined

from mailserverd.config.reload import is_reloadable
from mailserverd.config.schema import Config, Section
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
    """All sections in the order of the file."""
    for name, field in Config.model_fields.items():
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, Section)
        yield name, field.annotation


def toml(settings: Settings, heading: str) -> str:
    """A whole file with `settings` set and every other key commented."""
    lines = [*_comment(heading)]
    for name, section in sections():
        lines += ["", f"[{name}]", *_comment(_doc(section))]
        chosen = settings.get(name, {})
        for key, field in section.model_fields.items():
            lines += ["", *_comment(field.description or "")]
            if key in chosen:
                lines.append(f"{key} = {toml_value(chosen[key])}")
            else:
                lines.append(f"#{key} = {toml_value(_default(section, key))}")
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
        lines += [
            "",
            f"## [{name}]",
            "",
            _doc(section),
            "",
            "| key | default | reload | |",
            "| --- | --- | --- | --- |",
        ]
        for key, field in section.model_fields.items():
            default = "(required)" if field.is_required() else f"`{toml_value(_default(section, key))}`"
            reload = "yes" if is_reloadable(section, key) else "no"
            lines.append(f"| `{key}` | {default} | {reload} | {_cell(field.description or '')} |")
    return "\n".join(lines) + "\n"


def toml_value(value: object) -> str:
    """One TOML value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
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


def _doc(section: type[Section]) -> str:
    return (section.__doc__ or "").strip()


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, width=118, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
