"""The connection to the server: as it is, or begun with a PROXY header that names the client."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Literal

from ws76proxy.endpoint import in_text
from ws76proxy.record import NoticeRecord
from ws76proxy.relay.proxy_header import Address, build_proxy_header
from ws76proxy.session import Peer

if TYPE_CHECKING:
    from ws76proxy.relay.pump import Pump

__all__ = ["connect_upstream"]


async def connect_upstream(pump: Pump) -> None:
    """Connect a session's server leg. Raises OSError."""
    options = pump.relay.options
    upstream = options.session.upstream
    tls = options.upstream_tls if upstream.secure else None
    name = upstream.host if upstream.secure else None
    version = options.send_proxy_protocol
    if version is None:
        await pump.loop.create_connection(
            lambda: pump.legs[Peer.SERVER],
            upstream.host,
            upstream.port,
            ssl=tls,
            server_hostname=name,
        )
        return
    # The header comes before TLS, so the connection has to be there first.
    connection = await _connected(pump.loop, upstream.host, upstream.port)
    try:
        await _send_header(pump, connection, version)
        await pump.loop.create_connection(
            lambda: pump.legs[Peer.SERVER], sock=connection, ssl=tls, server_hostname=name
        )
    except BaseException:
        connection.close()
        raise


async def _send_header(pump: Pump, connection: socket.socket, version: Literal["v1", "v2"]) -> None:
    source, destination = _ends(pump)
    await pump.loop.sock_sendall(connection, build_proxy_header(version, source, destination))
    who = "an unknown client" if source is None else in_text(*source)
    text = f"the server was sent a PROXY {version} header for {who}"
    session = pump.session
    pump.relay.tell(
        NoticeRecord(session=session.number, time=session.now(), level="info", text=text)
    )


def _ends(pump: Pump) -> tuple[Address | None, Address | None]:
    """Between which addresses the client has connected."""
    header = pump.proxy_header
    if header is not None and header.source is not None:
        return header.source, header.destination
    transport = pump.legs[Peer.CLIENT].transport
    if transport is None:
        return None, None
    peer = transport.get_extra_info("peername")
    own = transport.get_extra_info("sockname")
    return (peer[:2], own[:2]) if peer and own else (None, None)


async def _connected(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    failure: OSError | None = None
    for family, kind, protocol, _, address in await loop.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        connection = socket.socket(family, kind, protocol)
        connection.setblocking(False)
        try:
            await loop.sock_connect(connection, address)
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure or OSError(f"{host}: no address")
