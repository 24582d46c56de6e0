"""A number of octets as people write it: 500M, 2G, or "none" for the server's default. Rule: powers of 1024."""

from __future__ import annotations

import click

_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
NONE = -1


class OctetsType(click.ParamType[int]):
    """Gives NONE for "none"."""

    name = "octets"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = str(value).strip().lower().removesuffix("b").removesuffix("i")
        if text in ("none", "default"):
            return NONE
        unit = text[-1:] if text[-1:] in _UNITS and text[-1:] else ""
        number = text.removesuffix(unit)
        if not number.isdecimal() or len(number) > 18:
            self.fail(f'{value!r} is no size; write for example "500M", "2G" or "none"', param, ctx)
        return int(number) * _UNITS[unit]


OCTETS = OctetsType()


def shown(octets: int | None) -> str:
    if octets is None:
        return "default"
    for unit, size in (("T", 1024**4), ("G", 1024**3), ("M", 1024**2), ("K", 1024)):
        if octets and octets % size == 0:
            return f"{octets // size}{unit}"
    return str(octets)
