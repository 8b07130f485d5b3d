"""Hixie-75: the handshake before there were keys, with the same frames and no ``FF 00``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ws76proxy.wire import connection
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import Head

__all__ = ["ClientConnection", "ServerConnection"]

STATUS_LINE = "HTTP/1.1 101 Web Socket Protocol Handshake"


class ServerConnection(connection.ServerConnection):
    """The server's side of a hixie-75 connection."""

    dialect: ClassVar[Dialect] = Dialect.HIXIE_75
    closing_handshake: ClassVar[bool] = False

    def tail_size(self) -> int:
        return 0

    def accept(
        self,
        *,
        location: str,
        origin: bytes | None = None,
        protocol: bytes | None = None,
        extra: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Answer 101 (-75, 4.2) and read frames from now on; `origin` defaults to the client's."""
        request = self._request()
        asked = request.value(b"origin") if origin is None else origin
        # Both first fields must be exactly these, in this order: the client compares bytes.
        fields: list[tuple[str, str | bytes]] = [
            ("Upgrade", "WebSocket"),
            ("Connection", "Upgrade"),
            ("WebSocket-Origin", asked if asked is not None else b"null"),
            ("WebSocket-Location", location),
        ]
        if protocol is not None:
            fields.append(("WebSocket-Protocol", protocol))
        self._accept(Head.build(STATUS_LINE, [*fields, *extra]).raw)


class ClientConnection(connection.ClientConnection):
    """The client's side of a hixie-75 connection."""

    dialect: ClassVar[Dialect] = Dialect.HIXIE_75
    closing_handshake: ClassVar[bool] = False

    def tail_size(self) -> int:
        return 0

    def connect(
        self,
        *,
        resource: str,
        host: str,
        origin: str | None = None,
        protocol: str | None = None,
        extra: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Queue the opening handshake (-75, 4.1)."""
        fields: list[tuple[str, str | bytes]] = [
            ("Upgrade", "WebSocket"),
            ("Connection", "Upgrade"),
            ("Host", host),
            ("Origin", origin if origin is not None else "null"),
        ]
        if protocol is not None:
            fields.append(("WebSocket-Protocol", protocol))
        self._queue(Head.build(f"GET {resource} HTTP/1.1", [*fields, *extra]).raw)
