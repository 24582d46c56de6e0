"""Logins as a client makes them, against our own server's mechanisms and against servers that lie."""

from __future__ import annotations

import hashlib
from collections.abc import Coroutine
from typing import Any

import pytest

from mailserverd.wire.sasl.client import (
    MAX_ITERATIONS,
    BadChallenge,
    Credentials,
    LoginLogin,
    PlainLogin,
    ScramLogin,
    choose,
)
from mailserverd.wire.sasl.scram import Scram, derive_keys
from mailserverd.wire.sasl.steps import Challenge, Failed, KeysWanted, Proven, ScramKeys, Step

ANNA = Credentials("anna", "pässword")


async def derive(digest: str, password: bytes, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac(digest, password, salt, iterations)


def now(work: Coroutine[Any, Any, bytes]) -> bytes:
    with pytest.raises(StopIteration) as end:
        work.send(None)
    assert isinstance(end.value.value, bytes)
    return end.value.value


def scram(credentials: Credentials = ANNA, name: str = "SCRAM-SHA-256") -> ScramLogin:
    return ScramLogin(name, credentials, b"client", derive)


def test_plain_and_login() -> None:
    assert PlainLogin(ANNA).first() == "\0anna\0pässword".encode()
    login = LoginLogin(ANNA)
    assert login.first() is None
    assert now(login.step(b"Username:")) == b"anna"
    assert now(login.step(b"Password:")) == "pässword".encode()
    with pytest.raises(BadChallenge):
        now(login.step(b"More:"))
    with pytest.raises(BadChallenge):
        now(PlainLogin(ANNA).step(b"?"))


def exchange(login: ScramLogin, password: str) -> Step:
    server = Scram(plus=False, channel=None, nonce=b"server")
    step = server.start(login.first())
    assert isinstance(step, KeysWanted)
    salt = b"salt" * 4
    step = server.keys(ScramKeys(salt, 4096, (derive_keys(password.encode(), salt, 4096),)))
    while isinstance(step, Challenge):
        step = server.step(now(login.step(step.octets)))
    return step


def test_scram_with_our_own_server() -> None:
    login = scram()
    assert isinstance(exchange(login, "pässword"), Proven)
    assert login.proven
    login = scram()
    assert isinstance(exchange(login, "another"), Failed)
    assert not login.proven
    assert isinstance(exchange(scram(Credentials("a=b,c", "x")), "x"), Proven)


def test_the_example_of_rfc_5802() -> None:
    login = ScramLogin("SCRAM-SHA-1", Credentials("user", "pencil"), b"fyko+d2lbbFgONRv9qkxdawL", derive)
    assert login.first() == b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
    answer = now(login.step(b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"))
    assert answer.endswith(b",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")
    assert not login.proven
    assert now(login.step(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")) == b""
    assert login.proven


@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        b"r=client",
        b"r=client,s=c2FsdA==,i=1",  # nothing of the server's in the nonce
        b"r=other1,s=c2FsdA==,i=1",
        b"r=client1,s=not base64,i=1",
        b"r=client1,s=,i=1",
        b"r=client1,s=c2FsdA==,i=0",
        b"r=client1,s=c2FsdA==,i=-1",
        b"r=client1,s=c2FsdA==,i=x",
        b"r=client1,s=c2FsdA==,i=%d" % (MAX_ITERATIONS + 1),
        b"r=client1,s=c2FsdA==,i=" + b"9" * 5000,
        b"m=ext,r=client1,s=c2FsdA==,i=1",
        b"r=client" + b"1" * 2000 + b",s=c2FsdA==,i=1",
        b"e=other-error",
    ],
)
def test_a_first_message_that_is_none(challenge: bytes) -> None:
    with pytest.raises(BadChallenge):
        now(scram().step(challenge))


@pytest.mark.parametrize("last", [b"", b"v=", b"v=AAAA", b"v=not base64", b"e=invalid-proof", b"x"])
def test_a_server_that_does_not_know_the_password(last: bytes) -> None:
    login = scram()
    now(login.step(b"r=client1,s=c2FsdA==,i=1"))
    with pytest.raises(BadChallenge):
        now(login.step(last))
    assert not login.proven


def test_a_password_that_no_scram_can_use() -> None:
    with pytest.raises(BadChallenge):
        now(scram(Credentials("anna", "a\0b")).step(b"r=client1,s=c2FsdA==,i=1"))


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ({"PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1"}, "SCRAM-SHA-256"),
        ({"PLAIN", "SCRAM-SHA-1"}, "SCRAM-SHA-1"),
        ({"LOGIN", "PLAIN", "CRAM-MD5"}, "PLAIN"),
        ({"LOGIN"}, "LOGIN"),
    ],
)
def test_the_best_is_chosen(offered: set[str], chosen: str) -> None:
    login = choose(frozenset(offered), ANNA, b"n", derive)
    assert login is not None
    assert login.name == chosen


def test_none_is_known() -> None:
    assert choose(frozenset({"GSSAPI", "CRAM-MD5"}), ANNA, b"n", derive) is None
