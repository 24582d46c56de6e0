"""Chains that hold and chains that do not: the public suite, what dkimpy signs, and our own."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailserverd.wire.authentication.arc import BrokenChain, chain_of, seal_fields
from mailserverd.wire.authentication.arc_chain import holds, key_names
from mailserverd.wire.authentication.canonical import fields_of, parted
from tests.wire.authentication.keys import key

SUITE = Path(__file__).parents[4] / "shared/data/arc/arc-draft-validation-tests.half.json"
KEYS = (key("rsa", "a.example"), key("ed25519", "b.example"), key("rsa", "c.example"))
RECORDS = {each.record_name: each.record().encode() for each in KEYS}
MESSAGE = b"From: a@example.org\r\nSubject: x\r\nDate: now\r\n\r\nHello\r\n"


def verdict(message: bytes, records: dict[str, bytes]) -> str:
    try:
        chain = chain_of(fields_of(parted(message)[0]))
    except BrokenChain:
        return "Fail"
    if not chain:
        return "None"
    known = {name: records[name] for name in key_names(chain) if name in records}
    return "Pass" if holds(message, chain, known) else "Fail"


def chain(length: int) -> bytes:
    message = MESSAGE
    for number in range(length):
        cv = b"pass" if number else b"none"
        message = seal_fields(message, KEYS[number % 3], b"mx%d; arc=%b" % (number, cv), cv, 1) + message
    return message


def test_the_public_suite() -> None:
    if not SUITE.exists():
        pytest.skip("no shared data here")
    wrong, number = [], 0
    for scenario in json.loads(SUITE.read_text()):
        records = {name.lower(): text.encode() for name, text in scenario["txt-records"].items()}
        for name, case in scenario["tests"].items():
            number += 1
            found = verdict(case["message"].replace("\n", "\r\n").encode(), records)
            if found != (case["cv"] or "Fail"):  # "": a chain that says cv=fail itself
                wrong.append((name, found, case["cv"]))
    assert wrong == []
    assert number == 87


@pytest.mark.parametrize("length", [1, 2, 3, 7])
def test_ours_hold_and_break_anywhere(length: int) -> None:
    message = chain(length)
    assert verdict(message, RECORDS) == "Pass"
    assert verdict(message.replace(b"Hello", b"Hallo"), RECORDS) == "Fail"
    assert verdict(message.replace(b"mx0; ", b"mx9; "), RECORDS) == "Fail"
    assert verdict(message, {}) == "Fail"
    for name in RECORDS:
        used = name in key_names(chain_of(fields_of(parted(message)[0])))
        others = {each: record for each, record in RECORDS.items() if each != name}
        assert verdict(message, others) == ("Fail" if used else "Pass")


@pytest.mark.parametrize(
    "record",
    [b"", b"v=DKIM1; p=", b"v=DKIM2; p=AA==", b"p=!", b"k=dsa; p=AAAA", b"h=sha1; " + RECORDS[KEYS[0].record_name]],
)
def test_records_that_verify_nothing(record: bytes) -> None:
    assert verdict(chain(1), {KEYS[0].record_name: record}) == "Fail"


@given(st.integers(0, 2000), st.sampled_from([b"", b";", b"=", b"\r\n ", b"\xff", b"i=1", b"h=", b"A"]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_whatever_is_done_to_one_nothing_is_raised(at: int, what: bytes, instead: bool) -> None:
    message = chain(2)
    assert verdict(message[:at] + what + message[at + instead :], RECORDS) in ("Pass", "Fail", "None")
