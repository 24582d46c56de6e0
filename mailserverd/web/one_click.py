"""The HTTPS server for unsubscribing with one click (RFC 8058): POST /unsubscribe/TOKEN, and a page with a button.

Standing rules: a GET changes nothing, for scanners follow every link (RFC 8058 §3.1); the token is all that is asked
for: no login, no cookie, no redirect; done is said only of what is on disk; bodies and clients are bounded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import ServerFactory
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from mailserverd.model.errors import StoreError
from mailserverd.web.site import TIMEOUT_SECONDS, FewClients, QuietSite

MAX_BODY_OCTETS = 2_048
MAX_PATH_OCTETS = 1_024
PATH = "unsubscribe"
TakeOut = Callable[[str], Awaitable[bool]]
"""Of a token: takes its recipient out, durably; False: it is none of ours. Raises StoreError."""

log = Logger()
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>Unsubscribe</title></head><body><p>{text}</p>{form}</body></html>
"""
_FORM = (
    '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
    "<button>Unsubscribe</button></form>"
)


class Tokens(Resource):
    """Below /unsubscribe: whatever follows is a token."""

    def __init__(self, take_out: TakeOut) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._take_out = take_out

    def getChild(self, path: bytes, request: Request) -> Resource:
        return OneLink(path.decode("ascii", "replace"), self._take_out)


class OneLink(Resource):
    isLeaf = True

    def __init__(self, token: str, take_out: TakeOut) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._token = token
        self._take_out = take_out

    def render(self, request: Request) -> Any:
        if request.method == b"POST":
            return self._post(request)
        if request.method in (b"GET", b"HEAD"):
            return self._look(request)
        request.setHeader(b"allow", b"GET, HEAD, POST")
        return page(request, 405, "This cannot be done here.")

    def _look(self, request: Request) -> bytes:
        return page(request, 200, "Do you want no more mail of this kind?", _FORM)

    def _post(self, request: Request) -> Any:
        arguments: Any = request.args
        if arguments.get(b"List-Unsubscribe") != [b"One-Click"]:  # RFC 8058 §3.2
            return page(request, 400, "This is not a request to unsubscribe.")
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)
        Deferred.fromCoroutine(self._answer(request, gone))
        return NOT_DONE_YET

    async def _answer(self, request: Request, gone: list[object]) -> None:
        try:
            known = await self._take_out(self._token)
            status, text = (200, "You are unsubscribed.") if known else (404, "This link is not valid.")
        except StoreError as error:
            log.error("an unsubscription is put off", why=str(error))
            status, text = 503, "This cannot be done now. Please try again later."
        except Exception:
            log.failure("an unsubscription failed")
            status, text = 500, "This cannot be done now. Please try again later."
        body = page(request, status, text)
        if not gone:
            request.write(body)
            request.finish()


def page(request: Request, status: int, text: str, form: str = "") -> bytes:
    """Without anything of what was asked."""
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"text/html; charset=utf-8")
    request.setHeader(b"content-security-policy", b"default-src 'none'; form-action 'self'; frame-ancestors 'none'")
    request.setHeader(b"cache-control", b"no-store")
    request.setHeader(b"referrer-policy", b"no-referrer")
    return _PAGE.format(text=text, form=form).encode()


class Absent(Resource):
    """Everything else."""

    def getChild(self, path: bytes, request: Request) -> Resource:
        return self

    def render(self, request: Request) -> bytes:
        return page(request, 404, "There is nothing here.")


class SmallRequest(Request):
    """Refused before it is read where it is too large, or does not say how large it is."""

    def gotLength(self, length: int | None) -> None:
        self._refused = length is None or length > MAX_BODY_OCTETS
        super().gotLength(0 if self._refused else length)  # type: ignore[no-untyped-call]
        if self._refused:
            channel: Any = self.channel
            channel.transport.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            channel.transport.loseConnection()

    def handleContentChunk(self, data: bytes) -> None:
        if not self._refused:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if not self._refused:
            super().requestReceived(command, path[:MAX_PATH_OCTETS], version)  # type: ignore[no-untyped-call]


def one_click_site(reactor: IReactorTime, take_out: TakeOut) -> ServerFactory[Any]:
    """The factory for the [unsubscribe] listener, to be served over TLS."""
    root = Absent()  # type: ignore[no-untyped-call]
    root.putChild(PATH.encode(), Tokens(take_out))
    site = QuietSite(root, SmallRequest, reactor=reactor, timeout=TIMEOUT_SECONDS)  # type: ignore[no-untyped-call]
    return cast("ServerFactory[Any]", FewClients(site))  # type: ignore[no-untyped-call]
