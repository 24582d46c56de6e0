"""The TXT record of _mta-sts and the policy file (RFC 8461 §3.1, §3.2).

Standing rules: what cannot be read is BadPolicy, and then there is no policy; unknown keys are passed over; of a key
that stands twice the first counts, but for `mx`; everything is bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_POLICY_OCTETS = 65536
MAX_PATTERNS = 200
MAX_AGE_SECONDS = 31557600  # RFC 8461 §3.2: about a year
_ID = re.compile(rb"[A-Za-z0-9]{1,32}\Z")
_PATTERN = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9])?\.?\Z")


class BadPolicy(ValueError):
    """The text says what is wrong."""


class Mode(StrEnum):
    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """text: the policy as it stood in the file, a line each, for reports (RFC 8460 §4.4)."""

    mode: Mode
    patterns: tuple[str, ...]
    max_age: int
    text: tuple[str, ...]

    def allows(self, host: str) -> bool:
        """RFC 8461 §4.1: "*." stands for exactly one label, the leftmost."""
        name = host.lower().rstrip(".")
        label, _, above = name.partition(".")
        wild = f"*.{above}" if label and above else ""
        return bool(name) and any(each in (name, wild) for each in self.patterns)


def parse_record(texts: tuple[bytes, ...]) -> str | None:
    """The id; None: the domain has no policy. RFC 8461 §3.1: other than exactly one record is none."""
    found = [each for each in texts if _is_record(each)]
    if len(found) != 1:
        return None
    for field in found[0].split(b";")[1:]:
        key, equals, value = field.strip(b" \t").partition(b"=")
        if key.rstrip(b" \t") == b"id" and equals and _ID.match(value.strip(b" \t")):
            return value.strip(b" \t").decode("ascii")
    return None


def _is_record(text: bytes) -> bool:
    version, semicolon, _ = text.partition(b";")
    return bool(semicolon) and version.rstrip(b" \t") == b"v=STSv1"


def parse_policy(octets: bytes) -> StsPolicy:
    """Raises BadPolicy."""
    if len(octets) > MAX_POLICY_OCTETS:
        raise BadPolicy("the policy is too long")
    try:
        lines = [line.strip(" \t") for line in octets.decode("utf-8").replace("\r\n", "\n").split("\n")]
    except UnicodeDecodeError:
        raise BadPolicy("the policy is not UTF-8") from None
    fields: dict[str, str] = {}
    patterns: list[str] = []
    for line in filter(None, lines):
        key, colon, value = (part.strip(" \t") for part in line.partition(":"))
        if not colon:
            raise BadPolicy("a line of the policy has no colon")
        if key == "mx":
            patterns.append(_pattern(value))
        else:
            fields.setdefault(key, value)
    return _policy(fields, patterns, tuple(filter(None, lines)))


def _pattern(value: str) -> str:
    low = value.lower()
    if len(low) > 255 or not _PATTERN.match(low):
        raise BadPolicy("an mx of the policy is no host name")
    return low.rstrip(".")


def _policy(fields: dict[str, str], patterns: list[str], text: tuple[str, ...]) -> StsPolicy:
    if fields.get("version") != "STSv1":
        raise BadPolicy("the policy is not of version STSv1")
    if fields.get("mode") not in set(Mode):
        raise BadPolicy("the policy has no mode")
    age = fields.get("max_age", "")
    if not (age.isascii() and age.isdigit() and len(age) <= 10):
        raise BadPolicy("the policy has no max_age")
    mode = Mode(fields["mode"])
    if not patterns and mode is not Mode.NONE:  # RFC 8461 §3.2
        raise BadPolicy("the policy has no mx")
    if len(patterns) > MAX_PATTERNS:
        raise BadPolicy("the policy has too many mx")
    return StsPolicy(mode, tuple(patterns), min(int(age), MAX_AGE_SECONDS), text)
