"""A connection that comes through a balancer: its PROXY header is read before anything else."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Network, IPv6Network, ip_address

from ws76proxy.relay.proxy_header import ProxyHeader, ProxyHeaderError, ProxyHeaderReader

__all__ = ["Network", "is_trusted", "receive_proxy_header"]

Network = IPv4Network | IPv6Network

_AT_ONCE = 65_536


def is_trusted(host: str, networks: tuple[Network, ...]) -> bool:
    """Whether a header from this address is to be believed: any where no network is named."""
    if not networks:
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return any(address in network for network in networks)


async def receive_proxy_header(
    connection: socket.socket, limit: int, seconds: float
) -> ProxyHeader | None:
    """Read the header from a connection that does not block, and not a byte more: what is behind
    it may be the beginning of TLS. None: the peer left without a byte, as probes do.

    Raises ProxyHeaderError, and OSError where the connection breaks.
    """
    reader = ProxyHeaderReader(limit)
    try:
        async with asyncio.timeout(seconds):
            while reader.header is None:
                await _readable(connection)
                try:
                    seen = connection.recv(_AT_ONCE, socket.MSG_PEEK)
                except BlockingIOError:
                    continue
                if not seen:
                    if reader.has_begun:
                        raise reader.unfinished()
                    return None
                connection.recv(reader.feed(seen))
    except TimeoutError:
        error = reader.unfinished()
        detail = f"within {seconds:g} s {error.detail}"
        raise ProxyHeaderError(error.code, detail) from None
    return reader.header


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def look() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(connection, look)
    try:
        await ready
    finally:
        loop.remove_reader(connection)
