"""What the one-click listener answers."""

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from mailserverd.model.errors import TryAgain
from mailserverd.web.one_click import MAX_BODY_OCTETS, one_click_site

FORM = b"List-Unsubscribe=One-Click"


class TakeOut:
    """result: of each token; a Deferred is waited for."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.result: object = True

    async def __call__(self, token: str) -> bool:
        self.tokens.append(token)
        result = await self.result if isinstance(self.result, Deferred) else self.result
        if isinstance(result, Exception):
            raise result
        return bool(result)


def begin(take_out: TakeOut, request: bytes) -> tuple[StringTransport, object]:
    site = one_click_site(Clock(), take_out)
    site.startFactory()
    protocol = site.buildProtocol(None)
    assert protocol is not None
    transport = StringTransport(hostAddress=IPv4Address("TCP", "192.0.2.1", 443))
    protocol.makeConnection(transport)
    protocol.dataReceived(request)
    return transport, protocol


def asked(verb: bytes, path: bytes, body: bytes = b"", kind: bytes = b"application/x-www-form-urlencoded") -> bytes:
    head = b"%b %b HTTP/1.1\r\nHost: mail.example.org\r\nConnection: close\r\n" % (verb, path)
    return head + b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)


def answer(take_out: TakeOut, request: bytes) -> tuple[int, bytes]:
    head, _, body = begin(take_out, request)[0].value().partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


def test_one_post_takes_out() -> None:
    take_out = TakeOut()
    status, body = answer(take_out, asked(b"POST", b"/unsubscribe/abc_-1", FORM))
    assert (status, take_out.tokens) == (200, ["abc_-1"])
    assert b"You are unsubscribed" in body


def test_multipart_is_taken_too() -> None:
    take_out = TakeOut()
    body = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    assert answer(take_out, asked(b"POST", b"/unsubscribe/t", body, b"multipart/form-data; boundary=b"))[0] == 200
    assert take_out.tokens == ["t"]


def test_looking_changes_nothing() -> None:
    take_out = TakeOut()
    status, body = answer(take_out, asked(b"GET", b"/unsubscribe/abc"))
    assert (status, take_out.tokens) == (200, [])
    assert b'method="post"' in body
    assert b"abc" not in body
    assert answer(take_out, asked(b"HEAD", b"/unsubscribe/abc")) == (200, b"")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (asked(b"POST", b"/unsubscribe/t", b"x=y"), 400),
        (asked(b"POST", b"/unsubscribe/t"), 400),
        (asked(b"GET", b"/"), 404),
        (asked(b"POST", b"/metrics", FORM), 404),
        (asked(b"PUT", b"/unsubscribe/t", FORM), 405),
        (asked(b"POST", b"/unsubscribe/t", FORM + b"&x=" + b"y" * MAX_BODY_OCTETS), 413),
        (b"POST /unsubscribe/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 413),
    ],
)
def test_what_is_refused(request_: bytes, status: int) -> None:
    take_out = TakeOut()
    assert answer(take_out, request_)[0] == status
    assert take_out.tokens == []


@pytest.mark.parametrize(("result", "status"), [(False, 404), (TryAgain("full"), 503), (ValueError("ours"), 500)])
def test_what_could_not_be_done_is_said(result: object, status: int) -> None:
    take_out = TakeOut()
    take_out.result = result
    assert answer(take_out, asked(b"POST", b"/unsubscribe/t", FORM))[0] == status


def test_who_leaves_before_the_answer_does_no_harm() -> None:
    take_out = TakeOut()
    take_out.result = waits = Deferred()
    transport, protocol = begin(take_out, asked(b"POST", b"/unsubscribe/t", FORM))
    assert transport.value() == b""
    protocol.connectionLost(Failure(ConnectionDone()))  # type: ignore[attr-defined]
    waits.callback(True)
    assert take_out.tokens == ["t"]
