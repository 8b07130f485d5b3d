"""The connection objects of a bridged session's two sides, each for the dialect of its peer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ws76proxy.session.options import SessionOptions
from ws76proxy.wire import hixie75, hixie76, rfc6455
from ws76proxy.wire.connection import ClientConnection, Connection, ServerConnection
from ws76proxy.wire.dialect import Dialect

__all__ = ["Leg", "client_leg", "server_leg"]

Leg = Connection[Any]
_CLIENTS: dict[Dialect, Callable[..., ServerConnection]] = {
    Dialect.HIXIE_76: hixie76.ServerConnection,
    Dialect.HIXIE_75: hixie75.ServerConnection,
    Dialect.RFC_6455: rfc6455.ServerConnection,
}
_SERVERS: dict[Dialect, Callable[..., ClientConnection]] = {
    Dialect.HIXIE_76: hixie76.ClientConnection,
    Dialect.HIXIE_75: hixie75.ClientConnection,
    Dialect.RFC_6455: rfc6455.ClientConnection,
}


def client_leg(dialect: Dialect, options: SessionOptions, offset: int) -> ServerConnection:
    """What hears the client; `offset` is where its handshake begins in its stream."""
    return _CLIENTS[dialect](
        max_message=options.max_message, head_limits=options.head_limits, offset=offset
    )


def server_leg(dialect: Dialect, options: SessionOptions, offset: int) -> ClientConnection:
    """What hears the server; `offset` is where its answer begins in its stream."""
    return _SERVERS[dialect](
        max_message=options.max_message, head_limits=options.head_limits, offset=offset
    )
