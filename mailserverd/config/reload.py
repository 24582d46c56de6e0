"""What a changed file means for a running server.

Standing rules: only fields marked RELOAD change; a change of any other is reported, and waits for a restart.
"""

from __future__ import annotations

from mailserverd.config.schema import Config
from mailserverd.config.section import Reload, Section


def is_reloadable(section: type[Section], name: str) -> bool:
    """Whether SIGHUP changes this field."""
    return any(isinstance(mark, Reload) for mark in section.model_fields[name].metadata)


def merged(running: Config, wanted: Config) -> tuple[Config, list[str]]:
    """`running` with every reloadable field as `wanted` has it, and the dotted keys that need a restart."""
    sections: dict[str, Section] = {}
    waiting: list[str] = []
    for name in Config.model_fields:
        old, new = getattr(running, name), getattr(wanted, name)
        update = {}
        for field in type(old).model_fields:
            if getattr(old, field) == getattr(new, field):
                continue
            if is_reloadable(type(old), field):
                update[field] = getattr(new, field)
            else:
                waiting.append(f"{name}.{field}")
        sections[name] = old.model_copy(update=update)
    return running.model_copy(update=sections), waiting
