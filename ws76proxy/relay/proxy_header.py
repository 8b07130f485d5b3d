"""The header of the PROXY protocol, by which a balancer says whose connection it passes on.

Read piece by piece and built, without any I/O. https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
"""

from __future__ import annotations

import re
import struct
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import SOCK_STREAM
from typing import Literal, NamedTuple

from proxyprotocol import ProxyProtocol
from proxyprotocol.result import (
    ProxyResult,
    ProxyResultIPv4,
    ProxyResultIPv6,
    ProxyResultUnknown,
    is_ipv4,
    is_ipv6,
)
from proxyprotocol.v1 import ProxyProtocolV1
from proxyprotocol.v2 import ProxyProtocolV2

__all__ = [
    "Address",
    "ProxyHeader",
    "ProxyHeaderError",
    "ProxyHeaderReader",
    "build_proxy_header",
]

Address = tuple[str, int]
"""A host's address as text, and a port."""

_V1 = b"PROXY "
_V2 = b"\r\n\r\n\x00\r\nQUIT\n"
_V1_LONGEST = 107
_V2_FIXED = 16
# The library takes whatever Python calls a number.
_V1_LINE = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?"
    rb"|TCP[46] [0-9A-Fa-f:.]+ [0-9A-Fa-f:.]+ [0-9]{1,5} [0-9]{1,5})\r\n\Z"
)


class ProxyHeader(NamedTuple):
    """What a header said: both addresses are None where the sender speaks for itself (a health
    check), or does not know."""

    version: Literal["v1", "v2"]
    source: Address | None
    destination: Address | None


class ProxyHeaderError(Exception):
    """A peer's header is absent or wrong: the finding's code, and what was found."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class ProxyHeaderReader:
    """Takes a connection's first bytes until the header is whole.

    `limit` is the largest header in bytes; one of version 1 has 107 at most.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = bytearray()
        self.header: ProxyHeader | None = None

    @property
    def has_begun(self) -> bool:
        """Whether a byte has come."""
        return bool(self._taken)

    def feed(self, data: bytes) -> int:
        """Take what belongs to the header; how many bytes that was. What is behind is not ours.

        Raises ProxyHeaderError.
        """
        at = 0
        while at < len(data) and self.header is None:
            missing = self._missing(data[at:])
            self._taken += data[at : at + missing]
            at += missing
            self._look()
        return min(at, len(data))

    def unfinished(self) -> ProxyHeaderError:
        """What is to be said of a header of which no more comes."""
        shown = bytes(self._taken[:32])
        if not shown:
            return ProxyHeaderError("proxy-header-missing", "not a byte came")
        return ProxyHeaderError(
            "proxy-header-malformed", f"it ends after {len(self._taken)} bytes: {shown!r}"
        )

    def _missing(self, data: bytes) -> int:
        """How many bytes to take next: as many as surely belong to the header."""
        taken = len(self._taken)
        if self._taken.startswith(_V1):
            return data.find(b"\n") + 1 or len(data)
        if taken < len(_V2):
            return 1
        if taken < _V2_FIXED:
            return _V2_FIXED - taken
        return self._v2_size - taken

    @property
    def _v2_size(self) -> int:
        return _V2_FIXED + int.from_bytes(self._taken[14:_V2_FIXED], "big")

    def _look(self) -> None:
        taken = bytes(self._taken)
        if taken.startswith(_V1):
            if len(taken) > _V1_LONGEST:
                raise _malformed(f"a line of version 1 has {_V1_LONGEST} bytes at most", taken)
            if taken.endswith(b"\n"):
                self.header = _read_v1(taken)
        elif taken.startswith(_V2):
            if len(taken) < _V2_FIXED:
                return
            if self._v2_size > self._limit:
                size = f"{self._v2_size} bytes, more than the {self._limit} of --max-head"
                raise ProxyHeaderError("proxy-header-malformed", f"it has {size}")
            if len(taken) == self._v2_size:
                self.header = _read_v2(taken)
        elif not (_V1.startswith(taken) or _V2.startswith(taken)):
            raise ProxyHeaderError("proxy-header-missing", f"the first bytes are {taken!r}")


def _malformed(why: str, data: bytes) -> ProxyHeaderError:
    return ProxyHeaderError("proxy-header-malformed", f"{why}; found {data[:_V1_LONGEST]!r}")


def _read_v1(line: bytes) -> ProxyHeader:
    if not _V1_LINE.match(line):
        expected = "expected PROXY TCP4 or TCP6, two addresses, two ports, CR LF"
        raise _malformed(expected, line)
    return _read(ProxyProtocolV1(), "v1", line)


def _read_v2(data: bytes) -> ProxyHeader:
    return _read(ProxyProtocolV2(), "v2", data)


def _read(library: ProxyProtocol, version: Literal["v1", "v2"], data: bytes) -> ProxyHeader:
    try:
        result = library.unpack(data)
    except (ValueError, struct.error) as error:
        # struct.error: its addresses need more bytes than it has.
        raise _malformed(str(error) or type(error).__name__, data) from None
    if is_ipv4(result) or is_ipv6(result):
        source, destination = result.source, result.dest
        return ProxyHeader(
            version, (str(source[0]), source[1]), (str(destination[0]), destination[1])
        )
    # A local path (UNIX sockets) is no address of a client.
    return ProxyHeader(version, None, None)


def build_proxy_header(
    version: Literal["v1", "v2"], source: Address | None, destination: Address | None
) -> bytes:
    """A header for a connection between two addresses; None: not known."""
    library = ProxyProtocolV1() if version == "v1" else ProxyProtocolV2()
    return library.pack(_result(source, destination))


def _result(source: Address | None, destination: Address | None) -> ProxyResult:
    if source is None or destination is None:
        return ProxyResultUnknown()
    try:
        both = _ip(source[0]), _ip(destination[0])
    except ValueError:
        return ProxyResultUnknown()
    ports = source[1], destination[1]
    if isinstance(both[0], IPv4Address) and isinstance(both[1], IPv4Address):
        return ProxyResultIPv4((both[0], ports[0]), (both[1], ports[1]), protocol=SOCK_STREAM)
    mapped = [_as_ipv6(one) for one in both]
    return ProxyResultIPv6((mapped[0], ports[0]), (mapped[1], ports[1]), protocol=SOCK_STREAM)


def _ip(host: str) -> IPv4Address | IPv6Address:
    # The zone of a link-local address says something on this machine only.
    return ip_address(host.partition("%")[0])


def _as_ipv6(address: IPv4Address | IPv6Address) -> IPv6Address:
    """A header names one family: an IPv4 address beside one of IPv6 is written as that one's."""
    return address if isinstance(address, IPv6Address) else IPv6Address(f"::ffff:{address}")
