"""Both legs of a session whose handshake mitmproxy has read: what comes next are frames."""

from __future__ import annotations

from ws76proxy.session import SessionOptions
from ws76proxy.session.bridging.legs import client_leg, server_leg
from ws76proxy.wire import (
    ClientConnection,
    Dialect,
    RequestHead,
    ResponseHead,
    ServerConnection,
)

__all__ = ["client_side", "server_side"]


def client_side(
    dialect: Dialect, request: RequestHead, key3: bytes, options: SessionOptions
) -> ServerConnection:
    """Reads what a client says behind this handshake, once it is opened."""
    leg = client_leg(dialect, options, 0)
    leg.receive_head(request)
    leg.receive_data(key3)
    leg.events()
    return leg


def server_side(
    dialect: Dialect, response: ResponseHead, digest: bytes, options: SessionOptions
) -> ClientConnection:
    """Reads what a server says behind this answer, once it is opened."""
    leg = server_leg(dialect, options, 0)
    leg.receive_head(response)
    leg.receive_data(digest)
    leg.events()
    return leg
