"""The value types that settings are made of: a network list, a listening address, a path.

Standing rules: each type turns the TOML value into the form the program uses, once, and its error
says what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, GetCoreSchemaHandler, PlainSerializer, ValidationInfo
from pydantic_core import CoreSchema, core_schema

Network = IPv4Network | IPv6Network


@lru_cache(maxsize=1024)
def _parse_address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    # A dual-stack socket reports an IPv4 client as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2).
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class Networks:
    """An immutable list of networks; `host in networks` takes the address as text, as the socket gives it."""

    __slots__ = ("_networks",)

    def __init__(self, networks: Iterable[str | Network] = ()) -> None:
        self._networks = tuple(ip_network(each) if isinstance(each, str) else each for each in networks)

    def __contains__(self, host: object) -> bool:
        if not self._networks or not isinstance(host, str):
            return False
        address = _parse_address(host)
        return address is not None and any(address in network for network in self._networks)

    def __iter__(self) -> Iterator[Network]:
        return iter(self._networks)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Networks) and self._networks == other._networks

    def __hash__(self) -> int:
        return hash(self._networks)

    def __repr__(self) -> str:
        return f"Networks({[str(network) for network in self._networks]})"

    @classmethod
    def parse(cls, value: object) -> Networks:
        """Accept a list of texts such as "10.0.0.0/8" or "::1"."""
        if isinstance(value, Networks):
            return value
        if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
            raise ValueError('write a list of networks, such as ["127.0.0.0/8", "::1/128"]')
        for each in value:
            try:
                ip_network(each)
            except ValueError as error:
                raise ValueError(f'"{each}" is not a network ({error}); write for example "10.1.0.0/16"') from None
        return cls(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda it: [str(each) for each in it]),
        )


class ListenAddress(NamedTuple):
    """One address to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> ListenAddress:
        """Accept "127.0.0.1:25" and "[::1]:25"."""
        host, colon, port = text.rpartition(":")
        host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        try:
            ip_address(host)
            number = int(port) if colon and port.isascii() and port.isdigit() else -1
            if not 1 <= number <= 65535:
                raise ValueError
        except ValueError:
            raise ValueError(f'"{text}" is no address; write "IP:PORT", such as "0.0.0.0:25" or "[::]:25"') from None
        return cls(host, number)


def _listen_addresses(value: object) -> tuple[ListenAddress, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, (str, ListenAddress)) for each in value):
        raise ValueError('write a list of addresses, such as ["0.0.0.0:25", "[::]:25"]')
    parsed = tuple(each if isinstance(each, ListenAddress) else ListenAddress.parse(each) for each in value)
    if len(set(parsed)) != len(parsed):
        raise ValueError("the same address stands twice; remove one")
    return parsed


def _path(value: object, info: ValidationInfo) -> Path:
    """A relative path counts from the folder of the file that names it."""
    if not isinstance(value, (str, Path)) or not str(value):
        raise ValueError('write a path as text, such as "tls/certificate.pem"')
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / Path(value).expanduser()


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


ListenAddresses = Annotated[
    tuple[ListenAddress, ...],
    BeforeValidator(_listen_addresses),
    PlainSerializer(lambda it: [str(each) for each in it]),
]
FilePath = Annotated[Path, BeforeValidator(_path), PlainSerializer(str)]
Seconds = Annotated[tuple[int, ...], BeforeValidator(_tuple)]
