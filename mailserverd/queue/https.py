"""HTTP for what sending needs of the web: policies fetched, reports and webhooks posted.

Standing rules: names are asked of our Resolver, authorities are ours; no redirect is followed and nothing is cached; a
request has one deadline for all of it, and what comes back is bounded, headers too; every end closes the connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from OpenSSL import SSL
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IStreamClientEndpoint, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, HTTPConnectionPool, ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory, IBodyProducer
from zope.interface import implementer

from mailserverd.interfaces.resolver import LookupFailed, NoSuchDomain, Resolver
from mailserverd.queue.address_order import in_turns, is_six
from mailserverd.queue.https_trust import Authorities

MAX_HEADER_OCTETS = 32768
MAX_ADDRESSES = 4
CONNECT_SECONDS = 10


class RequestFailed(OSError):
    """There is no answer; the text says why. certificate: because of the server's."""

    def __init__(self, why: str, certificate: bool = False) -> None:
        super().__init__(why)
        self.certificate = certificate


class HttpAnswer(NamedTuple):
    status: int
    content_type: str
    body: bytes


class HttpClient:
    """chance: orders equal addresses."""

    def __init__(self, reactor: Any, resolver: Resolver, authorities: Authorities, chance: Any) -> None:
        self._reactor = reactor
        self._resolver = resolver
        self._authorities = authorities
        self._chance = chance

    async def get(self, url: str, max_octets: int, seconds: float) -> HttpAnswer:
        """Raises RequestFailed."""
        return await self._request(b"GET", url, {}, None, max_octets, seconds)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], seconds: float = 30.0, max_octets: int = 4096
    ) -> int:
        """The status. Raises RequestFailed."""
        return (await self._request(b"POST", url, headers, body, max_octets, seconds)).status

    async def _request(
        self, verb: bytes, url: str, headers: Mapping[str, str], body: bytes | None, max_octets: int, seconds: float
    ) -> HttpAnswer:
        endpoints = _Endpoints(self, max_octets + MAX_HEADER_OCTETS)
        work = Deferred.fromCoroutine(self._whole(endpoints, verb, url, headers, body, max_octets))
        late: list[bool] = []

        def end() -> None:
            late.append(True)
            work.cancel()

        timer = self._reactor.callLater(seconds, end)
        try:
            return await work
        except RequestFailed:
            raise
        except CancelledError:
            if not late:
                raise
            raise RequestFailed(f"no whole answer within {seconds:.0f} s") from None
        except Exception as error:
            raise _explained(error) from None
        finally:
            if timer.active():
                timer.cancel()
            endpoints.close()

    async def _whole(
        self,
        endpoints: _Endpoints,
        verb: bytes,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        max_octets: int,
    ) -> HttpAnswer:
        pool = HTTPConnectionPool(self._reactor, persistent=False)
        agent = Agent.usingEndpointFactory(self._reactor, endpoints, pool)
        raw = Headers({name: [value] for name, value in headers.items()})
        raw.addRawHeader("User-Agent", "mailserverd")
        response = await agent.request(verb, url.encode("ascii"), raw, _Octets(body) if body is not None else None)
        reading = _Reading(max_octets)
        response.deliverBody(reading)
        octets = await reading.whole
        content_type = response.headers.getRawHeaders("Content-Type", [""])[0]
        return HttpAnswer(response.code, content_type, octets)

    async def connect(self, uri: URI, wrapped: Any) -> Any:
        """A connection to one of the host's addresses."""
        host = uri.host.decode("ascii").strip("[]")
        factory: Any = wrapped
        if uri.scheme == b"https":
            creator = await self._authorities.creator(host)
            factory = TLSMemoryBIOFactory(creator, True, wrapped, clock=self._reactor)
        why = "it has no address"
        for address in (await self._addresses(host))[:MAX_ADDRESSES]:
            kind = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
            try:
                made: Any = await kind(self._reactor, address, uri.port, timeout=CONNECT_SECONDS).connect(factory)
                return made.wrappedProtocol if factory is not wrapped else made
            except ConnectError as error:
                why = str(error)
        raise RequestFailed(f"no connection to {host}: {why}")

    async def _addresses(self, host: str) -> list[str]:
        if is_six(host) is not None:
            return [host]
        try:
            return in_turns((await self._resolver.addresses(host))[0], self._chance)
        except NoSuchDomain:
            raise RequestFailed(f"there is no host {host}") from None
        except LookupFailed as error:
            raise RequestFailed(str(error)) from None


@implementer(IAgentEndpointFactory)
class _Endpoints:
    """Of one request: what it opened, to be closed at its end."""

    def __init__(self, client: HttpClient, max_octets: int) -> None:
        self._client = client
        self._max_octets = max_octets
        self._open: list[_Counted] = []

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        endpoint: IStreamClientEndpoint = _Endpoint(self, uri)
        return endpoint

    async def connect(self, uri: URI, factory: Any) -> Any:
        counted = WrappingFactory(factory)
        counted.protocol = lambda *args: self._made(_Counted(*args))
        return (await self._client.connect(uri, counted)).wrappedProtocol

    def _made(self, made: _Counted) -> _Counted:
        made.left = self._max_octets
        self._open.append(made)
        return made

    def close(self) -> None:
        for each in self._open:
            each.end()


@implementer(IStreamClientEndpoint)
class _Endpoint:
    def __init__(self, endpoints: _Endpoints, uri: URI) -> None:
        self._endpoints, self._uri = endpoints, uri

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(self._endpoints.connect(self._uri, protocolFactory))


class _Counted(ProtocolWrapper):
    """Ends a connection on which too much comes."""

    left = 0

    def dataReceived(self, data: bytes) -> None:
        self.left -= len(data)
        if self.left < 0:
            self.end()
        else:
            super().dataReceived(data)  # type: ignore[no-untyped-call]

    def end(self) -> None:
        if self.transport is not None:
            ITCPTransport(self.transport).abortConnection()


class _Reading(Protocol):
    """The body of an answer."""

    def __init__(self, max_octets: int) -> None:
        self.whole: Deferred[bytes] = Deferred()
        self._left = max_octets
        self._pieces: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        self._left -= len(data)
        self._pieces.append(data)
        if self._left < 0 and not self.whole.called:
            self._pieces.clear()
            self.whole.errback(RequestFailed("the answer is too long"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.whole.called:
            return
        if reason.check(ResponseDone):
            self.whole.callback(b"".join(self._pieces))
        else:
            self.whole.errback(RequestFailed("the answer broke off"))


@implementer(IBodyProducer)
class _Octets:
    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.length = len(octets)

    def startProducing(self, consumer: Any) -> Deferred[None]:
        consumer.write(self._octets)
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def pauseProducing(self) -> None:
        return

    def resumeProducing(self) -> None:
        return

    def stopProducing(self) -> None:
        return


def _explained(error: Exception) -> RequestFailed:
    """Twisted wraps reasons in lists of failures."""
    reasons = getattr(error, "reasons", None) or []
    for each in reasons:
        if each.check(RequestFailed):
            return RequestFailed(str(each.value), each.value.certificate)
        if each.check(SSL.Error):
            return RequestFailed(f"TLS failed: {_openssl(each.value)}", certificate=True)
    if isinstance(error, SSL.Error):
        return RequestFailed(f"TLS failed: {_openssl(error)}", certificate=True)
    inner = f": {reasons[0].getErrorMessage()}" if reasons else f" ({error})" if str(error) else ""
    return RequestFailed(f"{type(error).__name__}{inner}")


def _openssl(error: SSL.Error) -> str:
    return str(error.args[0][-1][-1]) if error.args and error.args[0] else "the connection ended in the handshake"
