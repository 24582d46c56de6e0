"""Reads conversations in the format of James's protocol tests, and judges our answers to them by meaning.

By meaning: the tag, OK/NO/BAD and a response code count, not the wording; untagged answers may come in another order
and more of them may come; lists of flags are sets, FETCH items are pairs in any order, names may be quoted or not.
\\Recent is no part of it: which session has it is each server's own matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

Tree = str | list["Tree"]
_CODE = re.compile(r"\[([A-Z0-9-]+)")
_ATTRIBUTES = re.compile(r"\\[A-Za-z*]+\Z")
_ACTUAL = re.compile(rb'"((?:[^"\\]|\\.)*)"|([()])|((?:[^\s()\[]|\[[^\]]*\])+)')


class Client(Protocol):
    def say(self, octets: bytes) -> bytes: ...
    def took(self) -> bytes: ...


@dataclass(slots=True)
class Step:
    """What is sent, and the lines that are expected then; those of `unordered` in any order."""

    session: int
    sent: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)


REINIT = Step(-1)


def read(text: str) -> Iterator[Step]:
    """Steps; REINIT says that the connections are new from here on."""
    session, step = 0, Step(0)
    for line in text.split("\n"):
        kind, _, said = line.partition(":")
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("SESSION"):
            session = int(said)
        elif line.startswith("REINIT"):
            yield step
            yield REINIT
            step = Step(session)
            continue
        elif kind == "S":
            step.expected.append(said[1:])
            continue
        elif kind != "C":
            continue  # WAIT, LOG, AWAIT, TIMER; SUB { ... }: all our untagged answers may come in any order
        if step.expected or step.session != session:
            yield step
            step = Step(session)
        if kind == "C":
            step.sent.append(said[1:])
    yield step


def play(text: str, connect: Callable[[], Client], first: Client, enter: bool) -> list[str]:
    """The commands that were answered otherwise. enter: sessions beside the first are to be greeted and logged in."""
    sessions: dict[int, Client] = {0: first}
    different = []
    for step in read(text):
        if step is REINIT:
            sessions = {}
            continue
        if step.session not in sessions:
            sessions[step.session] = opened(connect(), enter)
        answer = sessions[step.session].took()
        for line in step.sent:
            answer += sessions[step.session].say(line.encode() + b"\r\n")
        missing = judge(step, answer)
        if missing:
            different.append(f"{step.sent[0] if step.sent else ''} -> {missing}")
    return different


def opened(client: Client, enter: bool) -> Client:
    client.took()
    if enter:
        assert b"a0 OK" in client.say(b"a0 LOGIN imapuser password\r\n")
    return client


def judge(step: Step, answer: bytes) -> str:
    """The first expected answer that did not come."""
    came = list(responses(answer))
    for expected in grouped(step.expected):
        if expected[0].endswith(" RECENT"):
            continue
        for i, actual in enumerate(came):
            if is_same(expected, actual):
                del came[i]
                break
        else:
            return expected[0]
    return ""


def grouped(expected: list[str]) -> Iterator[list[str]]:
    """Expected lines by response: a literal's lines belong to the line before."""
    group: list[str] = []
    inside = False
    for line in expected:
        if group and not (inside and not re.match(r"\\[*+] |[A-Za-z0-9.]+ (OK|NO|BAD)\b", line)):
            yield group
            group, inside = [], False
        group.append(line)
        inside = inside or bool(re.search(r"\\\{.*\\\}\Z", line))
    if group:
        yield group


def responses(answer: bytes) -> Iterator[list[bytes]]:
    """Our responses, each as its lines, literals cut at their line ends."""
    at = 0
    while at < len(answer):
        start = at
        while True:
            end = answer.index(b"\r\n", at) + 2
            literal = re.search(rb"\{(\d+)\}\r\n\Z", answer[at:end])
            at = end if literal is None else end + int(literal[1])
            if literal is None:
                break
        yield answer[start : at - 2].split(b"\r\n")


def is_same(expected: list[str], actual: list[bytes]) -> bool:
    if not is_same_line(expected[0], actual[0]):
        return False
    rest = [line.decode("utf-8", "replace") for line in actual[1:]]
    if len(expected) != len(actual):
        return False
    return all(re.fullmatch(want, came) is not None for want, came in zip(expected[1:], rest, strict=True))


def is_same_line(expected: str, actual: bytes) -> bool:
    text = actual.decode("utf-8", "replace")
    if re.fullmatch(expected, text):
        return True
    want, came = expected.replace("\\*", "*", 1).split(" "), text.split(" ")
    if len(want) < 2 or len(came) < 2 or want[0] != came[0]:
        return want[0] == "\\+" == "\\" + came[0]  # a continuation request is one however it is worded
    if want[1] in ("OK", "NO", "BAD", "BYE", "PREAUTH"):
        return want[1] == came[1] and code_fits(expected, text)
    return is_alike(parsed(expected), parse_actual(actual))


def code_fits(expected: str, text: str) -> bool:
    """A code that is wanted (one in "(...)?" is not) must be there."""
    wanted = _CODE.search(re.sub(r"\([^()]*\)\?", "", expected).replace("\\[", "["))
    return wanted is None or f"[{wanted[1]}" in text


def parse_actual(line: bytes) -> list[Tree]:
    stack: list[list[Tree]] = [[]]
    for quoted, bracket, atom in _ACTUAL.findall(line):
        if bracket == b"(":
            stack.append([])
        elif bracket == b")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append((atom or quoted).decode("utf-8", "replace"))
    while len(stack) > 1:  # a literal follows inside the parenthesis
        done = stack.pop()
        stack[-1].append(done)
    return stack[0]


def parsed(expected: str) -> list[Tree]:
    """The same of a regular expression: "\\(" and "\\)" are lists, what is left of it are patterns of words."""
    sections: list[str] = []

    def section(found: re.Match[str]) -> str:
        sections.append(re.sub(r"\\(.)", r"\1", found[0]))
        return f"\3{len(sections) - 1}"

    marked = re.sub(r"[A-Z.]+\\\[.*?\\\]", section, expected)
    marked = marked.replace("\\\\", "\0").replace("\\(", " \1 ").replace("\\)", " \2 ").replace('\\"', '"')
    stack: list[list[Tree]] = [[]]
    for word in re.findall(r'"[^"]*"|[^\s"]+', marked):
        if word == "\1":
            stack.append([])
        elif word == "\2" and len(stack) > 1:
            done = stack.pop()
            stack[-1].append(done)
        else:
            whole = re.sub("\3(\\d+)", lambda found: re.escape(sections[int(found[1])]), word.strip('"'))
            stack[-1].append(whole.replace("\0", "\\\\"))
    while len(stack) > 1:
        done = stack.pop()
        stack[-1].append(done)
    return stack[0]


def is_alike(want: Tree, came: Tree) -> bool:
    if isinstance(want, str):
        return isinstance(came, str) and fits(want, came)
    if isinstance(came, str):
        return False
    want, came = without_recent(want), without_recent(came)
    if len(want) == 4 and want[2] == "FETCH" and len(came) == 4 and isinstance(want[3], list):
        same_number = is_alike(want[:3], came[:3])
        return same_number and isinstance(came[3], list) and pairs_alike(want[3], came[3])
    if len(want) != len(came):
        return False
    if len(came) > 2 and len(came) % 2 == 0 and are_words(came) and are_words(want):  # parameters of a body
        return pairs_alike(want, came)
    if is_set(came):
        return all(any(is_alike(one, other) for other in came) for one in want)
    return all(is_alike(one, other) for one, other in zip(want, came, strict=True))


def without_recent(items: list[Tree]) -> list[Tree]:
    return [item for item in items if not (isinstance(item, str) and item.lstrip("\\") == "Recent")]


def is_set(came: Iterable[Tree]) -> bool:
    """Flags and attributes."""
    return all(isinstance(one, str) and (_ATTRIBUTES.match(one) or one.isalnum()) for one in came)


def are_words(items: Iterable[Tree]) -> bool:
    return all(isinstance(item, str) and not item.startswith("\\") for item in items)


def pairs_alike(want: list[Tree], came: list[Tree]) -> bool:
    """FETCH items, named by the first of two; all wanted must be there and no other."""
    ours = {str(name).upper(): value for name, value in zip(came[::2], came[1::2], strict=False)}
    theirs = {
        re.sub(r"\\(.)", r"\1", str(name)).upper(): value for name, value in zip(want[::2], want[1::2], strict=False)
    }
    return ours.keys() == theirs.keys() and all(is_alike(value, ours[name]) for name, value in theirs.items())


def fits(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text, re.IGNORECASE) is not None
    except re.error:
        return pattern.lower() == text.lower()
