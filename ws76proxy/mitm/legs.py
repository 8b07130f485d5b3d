"""Both legs of a session whose handshake mitmproxy has read: what comes next are frames."""

from __future__ import annotations

from ws76proxy.wire import (
    ClientConnection,
    Dialect,
    RequestHead,
    ResponseHead,
    ServerConnection,
    hixie75,
    hixie76,
)

__all__ = ["client_side", "server_side"]


def client_side(
    dialect: Dialect, request: RequestHead, key3: bytes, max_message: int
) -> ServerConnection:
    """Reads what a client says behind this handshake, once it is opened."""
    wire = hixie76 if dialect is Dialect.HIXIE_76 else hixie75
    leg: ServerConnection = wire.ServerConnection(max_message=max_message)
    leg.receive_head(request)
    leg.receive_data(key3)
    leg.events()
    return leg


def server_side(
    dialect: Dialect, response: ResponseHead, digest: bytes, max_message: int
) -> ClientConnection:
    """Reads what a server says behind this answer, once it is opened."""
    wire = hixie76 if dialect is Dialect.HIXIE_76 else hixie75
    leg: ClientConnection = wire.ClientConnection(max_message=max_message)
    leg.receive_head(response)
    leg.receive_data(digest)
    leg.events()
    return leg
