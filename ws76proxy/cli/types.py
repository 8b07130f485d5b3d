"""What options are read as: sizes, durations, addresses; with what was expected in the refusal."""

from __future__ import annotations

import math
import re
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import click

from ws76proxy.endpoint import Endpoint, parse_address, parse_upstream, parse_url
from ws76proxy.errors import UsageError

if TYPE_CHECKING:
    from ws76proxy.relay.behind import Network

__all__ = [
    "ADDRESS",
    "FIELD",
    "LIMIT",
    "NETWORK",
    "ORIGIN",
    "PROTOCOL",
    "SECONDS",
    "SIZE",
    "TIMEOUT",
    "UPSTREAM",
    "URL",
]

_SIZE = re.compile(r"([0-9]{1,15})\s*([kKmMgG]?)(?:i?[bB])?\Z")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
# What a handshake consists of: options of their own say these.
_OWN_FIELDS = ("upgrade", "connection", "host", "origin")
_OWN_PREFIXES = ("sec-websocket-", "websocket-")
_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


class _Size(click.ParamType[int]):
    name = "size"

    def __init__(self, *, may_be_zero: bool = False) -> None:
        self._may_be_zero = may_be_zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = _SIZE.match(value.strip())
        if match is None or not (int(match[1]) or self._may_be_zero):
            self.fail(f"found {value!r}; expected bytes, such as 65536, 64KiB or 16MiB", param, ctx)
        return int(match[1]) * _FACTORS[match[2].lower()]


class _Seconds(click.ParamType[float]):
    name = "seconds"

    def __init__(self, *, may_be_zero: bool = False) -> None:
        self._may_be_zero = may_be_zero

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds <= 10_000_000:
            self.fail(f"found {value!r}; expected seconds, such as 30 or 0.5", param, ctx)
        if not (seconds or self._may_be_zero):
            self.fail(f"found {value!r}; expected more than 0 seconds", param, ctx)
        return seconds


class _Upstream(click.ParamType[Endpoint]):
    name = "upstream"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Endpoint:
        if isinstance(value, Endpoint):
            return value
        try:
            upstream = parse_upstream(value)
            _check_name(upstream.host, "ws://HOST[:PORT] or wss://HOST[:PORT]")
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return upstream


class _Address(click.ParamType["tuple[str, int]"]):
    name = "host:port"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        try:
            host, port = parse_address(value)
            _check_name(host, "HOST:PORT")
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return host, port


class _Url(click.ParamType["tuple[Endpoint, str]"]):
    name = "url"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Endpoint, str]:
        if isinstance(value, tuple):
            return value
        try:
            endpoint, resource = parse_url(value)
            _check_name(endpoint.host, "ws://HOST[:PORT][/PATH] or wss://HOST[:PORT][/PATH]")
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return endpoint, resource


class _Line(click.ParamType[str]):
    """A value that can stand in a field: printable ASCII."""

    def __init__(self, name: str, expected: str) -> None:
        self.name = name
        self._expected = expected

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not (value and value.isascii() and value.isprintable()):
            self.fail(f"found {value!r}; expected {self._expected}", param, ctx)
        return str(value)


class _Field(click.ParamType["tuple[str, str]"]):
    name = "name: value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, colon, text = value.partition(":")
        text = text.strip(" ")
        if not (colon and _FIELD_NAME.match(name) and text.isascii() and text.isprintable()):
            expected = "expected 'Name: value' in printable ASCII"
            self.fail(f"found {value!r}; {expected}", param, ctx)
        lowered = name.lower()
        if lowered in _OWN_FIELDS or lowered.startswith(_OWN_PREFIXES):
            expected = "expected a field that is no part of the handshake; see --origin, --protocol"
            self.fail(f"found {name!r}; {expected}", param, ctx)
        return name, text


class _Network(click.ParamType["Network"]):
    name = "cidr"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Network:
        try:
            return ip_network(value)
        except ValueError as error:
            expected = "expected an address or network, such as 10.0.0.0/8 or 2001:db8::/32"
            self.fail(f"{error}; {expected}", param, ctx)


def _check_name(host: str, expected: str) -> None:
    try:
        host.encode("idna")
    except UnicodeError:
        raise UsageError(f"{host!r}: found no name of a host; expected {expected}") from None


SIZE = _Size()
LIMIT = _Size(may_be_zero=True)
"""A size where 0 means that there is no limit."""
SECONDS = _Seconds(may_be_zero=True)
TIMEOUT = _Seconds()
"""Seconds that are more than 0."""
UPSTREAM = _Upstream()
URL = _Url()
ORIGIN = _Line("origin", "an origin, such as http://example.com or null")
PROTOCOL = _Line("name", "the name of a subprotocol, in printable ASCII")
FIELD = _Field()
ADDRESS = _Address()
NETWORK = _Network()
