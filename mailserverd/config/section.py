"""What every section of the schema is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Reload:
    """Marks a field that SIGHUP changes on a running server."""


RELOAD = Reload()
MIB = 1024 * 1024

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """What all sections share: frozen, strict about types, unknown keys refused, doc lines kept."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", use_attribute_docstrings=True, validate_default=True
    )
