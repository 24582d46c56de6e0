"""Webhooks: told once, tried again, signed, bounded."""

import hmac
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mailserverd.config.outbound import Webhook
from mailserverd.queue import webhooks
from mailserverd.queue.webhooks import MAX_AGE_SECONDS, RETRY_SECONDS, Webhooks, signature


class Records:
    def __init__(self) -> None:
        self.stored: dict[bytes, bytes] = {}

    def scan(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        return sorted(self.stored.items())

    async def write(self, puts: list[tuple[bytes, bytes]], deletes: list[bytes] = []) -> None:  # noqa: B006
        for key in deletes:
            del self.stored[key]
        self.stored.update(puts)


class Case:
    def __init__(self, folder: Path, urls: tuple[str, ...] = ("http://127.0.0.1:1/a",)) -> None:
        (folder / "key").write_text("secret\nnot this\n")
        self.hooks = tuple(Webhook(url=url, secret_file=folder / "key") for url in urls)
        self.clock, self.records = Clock(), Records()
        self.clock.advance(1_780_000_000)
        self.posts: list[tuple[str, bytes, dict[str, str]]] = []
        self.answers: dict[str, Any] = {}
        self.hook = self.made()

    def made(self) -> Webhooks:
        hook = Webhooks(self.records, self.post, lambda: self.hooks, self.clock, self.clock.seconds)
        hook.start()
        return hook

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.posts.append((url, body, headers))
        answer = self.answers.get(url, 200)
        if isinstance(answer, Exception):
            raise answer
        status: int = await answer if isinstance(answer, Deferred) else answer
        return status

    def tell(self, what: str = "delivered", **facts: Any) -> None:
        Deferred.fromCoroutine(self.hook.tell(what, facts))
        self.clock.advance(0)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_an_event_is_posted_signed_and_forgotten(case: Case) -> None:
    case.tell(recipient="x@a.example")
    [(url, body, headers)] = case.posts
    assert url == "http://127.0.0.1:1/a"
    assert json.loads(body) == {"event": "delivered", "at": 1_780_000_000, "recipient": "x@a.example"}
    digest = hmac.new(b"secret", b"1780000000." + body, sha256).hexdigest()
    assert headers["X-Mailserverd-Signature"] == f"t=1780000000,v1={digest}"
    assert case.records.stored == {}


def test_what_is_not_wanted_is_not_told(case: Case) -> None:
    case.hooks = (case.hooks[0].model_copy(update={"events": ("bounced",)}),)
    case.tell("delivered")
    assert case.posts == []
    assert case.records.stored == {}


@pytest.mark.parametrize("answer", [500, 302, OSError("connection refused")])
def test_it_is_tried_again_with_longer_waits_until_it_is_taken(case: Case, answer: Any) -> None:
    case.answers["http://127.0.0.1:1/a"] = answer
    case.tell()
    for tries, wait in enumerate(RETRY_SECONDS, start=1):
        assert len(case.posts) == tries
        case.clock.advance(wait - 1)
        assert len(case.posts) == tries
        case.clock.advance(1)
        case.clock.advance(0)
    case.answers.clear()
    case.clock.advance(RETRY_SECONDS[-1])
    case.clock.advance(0)
    assert case.records.stored == {}
    assert len({body for _, body, _ in case.posts}) == 1


def test_after_a_day_it_is_given_up(case: Case) -> None:
    case.answers["http://127.0.0.1:1/a"] = 500
    case.tell()
    case.clock.pump([600] * (MAX_AGE_SECONDS // 600 + 10))
    assert case.records.stored == {}
    posts = len(case.posts)
    case.clock.pump([600] * 10)
    assert len(case.posts) == posts


def test_a_slow_url_holds_up_no_other(tmp_path: Path) -> None:
    case = Case(tmp_path, ("http://slow/", "http://quick/"))
    case.answers["http://slow/"] = Deferred()
    case.tell(number=1)
    case.tell(number=2)
    assert [url for url, _, _ in case.posts] == ["http://slow/", "http://quick/", "http://quick/"]


def test_what_was_not_told_is_told_after_a_restart(case: Case) -> None:
    case.answers["http://127.0.0.1:1/a"] = 500
    case.tell()
    case.hook.stop()
    case.answers.clear()
    case.made()
    case.clock.advance(RETRY_SECONDS[0])
    case.clock.advance(0)
    assert len(case.posts) == 2
    assert case.records.stored == {}


def test_what_waits_is_bounded_and_the_oldest_goes(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MAX_WAITING", 3)
    case.answers["http://127.0.0.1:1/a"] = Deferred()
    for number in range(5):
        case.tell(number=number)
    assert len(case.records.stored) == 3
    assert b'"number":4' in max(case.records.stored.items())[1]


def test_a_hook_that_is_configured_no_more_is_forgotten(case: Case) -> None:
    case.answers["http://127.0.0.1:1/a"] = 500
    case.tell()
    case.hooks = ()
    case.clock.advance(RETRY_SECONDS[0])
    case.clock.advance(0)
    assert case.records.stored == {}


def test_an_empty_secret_is_no_secret(case: Case) -> None:
    case.hooks[0].secret_file.write_text("\n")
    case.tell()
    assert case.posts == []
    assert len(case.records.stored) == 1


def test_the_signature_covers_time_and_body() -> None:
    made = {signature(b"k", 1, b"a"), signature(b"k", 2, b"a"), signature(b"k", 1, b"b"), signature(b"l", 1, b"a")}
    assert len(made) == 4
