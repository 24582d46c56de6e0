"""What a reply means: is it the address, the mailbox, our reputation, this message, or their trouble?

Standing rules: the phrases are data (replies.toml) and go before the codes, since many servers say 5.7.1 to everything;
what tells nothing is UNKNOWN, and nothing is done because of it that cannot be undone. No I/O but the one data file.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

MAX_LOOKED_AT = 2_000


class Kind(StrEnum):
    """HARD: the address takes no mail and never will. BLOCK: our address or name is unwanted. POLICY: this message is.

    FULL: the mailbox has no room. GREYLISTED: the same again in some minutes. SOFT: their trouble.
    """

    HARD = "hard"
    SOFT = "soft"
    BLOCK = "block"
    POLICY = "policy"
    FULL = "full"
    GREYLISTED = "greylisted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    kind: Kind
    phrases: tuple[str, ...]
    slow: bool
    of: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """slow: this provider is to get less from us for a while. of: whose phrase it was, "" where a code decided."""

    kind: Kind
    slow: bool = False
    of: str = ""


# X.Y of an enhanced status code (RFC 3463 §3), X.Y.Z first
_BY_STATUS = {
    "5.1.1": Kind.HARD,
    "5.1.2": Kind.HARD,
    "5.1.3": Kind.HARD,
    "5.1.6": Kind.HARD,  # the mailbox has moved
    "5.1.10": Kind.HARD,  # RFC 7505 §5: null MX
    "5.2.1": Kind.HARD,  # disabled, not accepting messages
    "4.2.2": Kind.FULL,
    "5.2.2": Kind.FULL,
    "5.2.3": Kind.POLICY,  # too long for the mailbox
    "5.3.4": Kind.POLICY,  # too big for the system
    "5.5.0": Kind.UNKNOWN,
    "5.6": Kind.POLICY,
    "5.7": Kind.POLICY,
    "5.4": Kind.SOFT,
    "5.3": Kind.SOFT,
}
_space = re.compile(r"\s+").sub
_after_code = re.compile(r"\b([245]\d\d)-").sub


class Classifier:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules

    def classify(self, code: int, status: str, reply: str) -> Verdict:
        """code: of the reply, 0 without one. status: its enhanced code, or "". Several lines may be one text."""
        if not code and not reply and not status:
            return Verdict(Kind.SOFT)
        permanent = code >= 500 or (not code and status.startswith("5"))
        text = plain(reply)
        for rule in self._rules:
            if any(phrase in text for phrase in rule.phrases):
                if rule.kind is Kind.GREYLISTED and permanent:
                    continue
                kind = Kind.SOFT if rule.kind is Kind.HARD and not permanent else rule.kind
                slow = rule.slow or kind is Kind.BLOCK or (kind is not Kind.GREYLISTED and _asks_to_slow(code, status))
                return Verdict(kind, slow, rule.of)
        return Verdict(_by_code(code, status, permanent), _asks_to_slow(code, status))


def plain(reply: str) -> str:
    """Lower case, one blank for white space, "550-5.1.1" as "550 5.1.1", the codes of continued lines left out."""
    text = reply[:MAX_LOOKED_AT].lower().replace("’", "'")
    lines = [_after_code(r"\1 ", each, count=1).strip() for each in text.splitlines()]
    first = lines[:1]
    rest = [_continuation(each, first[0]) for each in lines[1:]]
    return _space(" ", " ".join(first + rest))


def _continuation(line: str, first: str) -> str:
    """Without the codes that the first line has: servers repeat them on each."""
    for word in first.split(" ")[:2]:
        if word[:1].isdigit() and line.startswith(word):
            line = line[len(word) :].lstrip(" ")
    return line


def _asks_to_slow(code: int, status: str) -> bool:
    """421 (RFC 5321 §3.8) and 4.7.x (RFC 3463 §3.8)."""
    return code == 421 or status.startswith("4.7.")


def _by_code(code: int, status: str, permanent: bool) -> Kind:
    found = _BY_STATUS.get(status) or _BY_STATUS.get(status.rpartition(".")[0])
    if found is not None:
        return found
    if not permanent:
        return Kind.SOFT
    return Kind.FULL if code == 552 and not status else Kind.UNKNOWN  # RFC 5321 §4.2.3


def rules_of(data: dict[str, Any]) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            Kind(each["kind"]), tuple(phrase.lower() for phrase in each["phrases"]), each.get("slow", False), each["of"]
        )
        for each in data["rule"]
    )


@cache
def known_phrases() -> Classifier:
    """With the rules that come with the program."""
    return Classifier(rules_of(tomllib.loads(files("mailserverd.queue").joinpath("replies.toml").read_text("utf-8"))))
