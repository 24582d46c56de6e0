"""Whether the server can do its work now, and if not, what to do about it.

Standing rules: a check is quick, never waits, and returns None or one line for a person.
"""

from __future__ import annotations

from collections.abc import Callable

Check = Callable[[], str | None]


class Health:
    """Named checks, asked on each request; also "starting" and "stopping", which are not healthy either."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self.stage = "starting"

    def add(self, name: str, check: Check) -> None:
        self._checks[name] = check

    def problems(self) -> dict[str, str]:
        """What is wrong, by name; empty when all is well."""
        found = {} if self.stage == "running" else {"server": self.stage}
        for name, check in self._checks.items():
            if (problem := check()) is not None:
                found[name] = problem
        return found
