"""A nameserver on loopback, UDP and TCP, in a thread of its own: for whole servers and for the real resolver."""

import selectors
import socket
import threading
from types import TracebackType

import dns.exception
import dns.flags
import dns.message
from dns.query import receive_tcp, send_tcp

from tests.nameserver.zones import Zones


class Nameserver:
    """`with Nameserver(zones) as server:` serves until the end of the block, on server.host and server.port."""

    def __init__(self, zones: Zones, host: str = "127.0.0.1", port: int = 0) -> None:
        self.zones, self.host = zones, host
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._tcp.bind((host, port))
        self.port = self._tcp.getsockname()[1]
        self._udp.bind((host, self.port))
        self._tcp.listen(50)
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.over_tcp = 0

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def __enter__(self) -> "Nameserver":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._wake.send(b"x")
        self._thread.join(10)
        for each in (self._udp, self._tcp, self._wake, self._woken):
            each.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            for each in (self._udp, self._tcp, self._woken):
                selector.register(each, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._woken:
                        return
                    self._one_tcp() if key.fileobj is self._tcp else self._one_udp()

    def _one_udp(self) -> None:
        octets, whence = self._udp.recvfrom(65535)
        try:
            query = dns.message.from_wire(octets)
        except dns.exception.DNSException:
            return
        reply = self.zones.reply(query)
        if reply is None:
            return
        try:
            answer = reply.to_wire(max_size=max(512, query.payload))
        except dns.exception.TooBig:
            short = dns.message.make_response(query, recursion_available=True)
            short.flags |= dns.flags.TC
            answer = short.to_wire()
        self._udp.sendto(answer, whence)

    def _one_tcp(self) -> None:
        connection, _ = self._tcp.accept()
        with connection:
            connection.settimeout(2)
            try:
                query, _ = receive_tcp(connection)
                reply = self.zones.reply(query)
                if reply is not None:
                    self.over_tcp += 1
                    send_tcp(connection, reply.to_wire(max_size=65535))
            except (OSError, EOFError, dns.exception.DNSException):
                return
