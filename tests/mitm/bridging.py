"""A bridged session in memory: mitmproxy between two peers, each of a dialect of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from mitmproxy import http
from mitmproxy.connection import Connection

from tests.mitm.memory import Memory
from ws76proxy.mitm.settings import Settings
from ws76proxy.wire import Dialect, hixie75, hixie76, rfc6455
from ws76proxy.wire.connection import ClientConnection, ServerConnection
from ws76proxy.wire.events import Event, Message, TextFrames, TextMessages

__all__ = ["BINARY", "TEXT", "Bridged", "said"]

TEXT, BINARY = 1, 2

_SERVERS: dict[Dialect, Callable[[], ServerConnection]] = {
    Dialect.HIXIE_76: hixie76.ServerConnection,
    Dialect.HIXIE_75: hixie75.ServerConnection,
    Dialect.RFC_6455: rfc6455.ServerConnection,
}


class Bridged:
    """Two peers of our own wire; what either says goes through mitmproxy's layers to the other."""

    def __init__(
        self,
        client: Dialect,
        server: Dialect,
        *,
        then: Callable[[str, http.HTTPFlow], object] = lambda _name, _flow: None,
        settings: Settings | None = None,
        protocols: tuple[str, ...] = (),
        record: bool = False,
        **options: Any,
    ) -> None:
        self.memory = Memory(
            settings or Settings(server_dialect=server), then, record=record, **options
        )
        self.client: Any = self._make_client(client, protocols)
        self.server: Any = _SERVERS[server]()
        self.heard: dict[str, list[Event]] = {"client": [], "server": []}
        self._read = {"client": 0, "server": 0}

    @staticmethod
    def _make_client(dialect: Dialect, protocols: tuple[str, ...]) -> ClientConnection:
        asked: dict[str, Any] = {
            "resource": "/chat?room=1",
            "host": "example.com",
            "origin": "http://page.example",
            "extra": [("Cookie", "a=b")],
        }
        if dialect is Dialect.RFC_6455:
            modern = rfc6455.ClientConnection()
            modern.connect(**asked, protocols=protocols, random_below=secrets.randbelow)
            return modern
        asked["protocol"] = protocols[0] if protocols else None
        if dialect is Dialect.HIXIE_76:
            leg = hixie76.ClientConnection()
            leg.connect(**asked, random_below=secrets.randbelow)
            return leg
        old = hixie75.ClientConnection()
        old.connect(**asked)
        return old

    def ask(self) -> None:
        """The client's request goes to the server."""
        self.memory.from_client(self.client.data_to_send())
        self.pump()

    def accept(self, **answer: Any) -> None:
        """The server accepts, and both are open."""
        if self.server.dialect.is_hixie:
            answer.setdefault("location", "ws://example.com/chat?room=1")
        self.server.accept(**answer)
        self.pump()
        self.client.open()
        self.pump()

    def open(self, **answer: Any) -> None:
        """The whole handshake."""
        self.ask()
        self.accept(**answer)

    def pump(self) -> None:
        """Carry bytes until nobody has anything more to say."""
        moved = True
        while moved:
            moved = False
            for name, leg in (("client", self.client), ("server", self.server)):
                said = leg.data_to_send()
                if said:
                    moved = True
                    (self.memory.from_client if name == "client" else self.memory.from_server)(said)
                came = self.memory.to_client if name == "client" else self.memory.to_server
                new = came[self._read[name] :]
                if new:
                    moved = True
                    self._read[name] = len(came)
                    leg.receive_data(new)
                self.heard[name] += leg.events()

    @property
    def flow(self) -> http.HTTPFlow:
        return self.memory.flow

    @property
    def messages(self) -> list[tuple[int, bool, bytes]]:
        """The list's: type, whether from the client, content."""
        assert self.flow.websocket is not None
        return [(int(m.type), m.from_client, m.content) for m in self.flow.websocket.messages]

    @property
    def ending(self) -> tuple[int | None, bool | None, str | None]:
        """Close code, whether the client closed, and the reason."""
        websocket = self.flow.websocket
        assert websocket is not None
        return websocket.close_code, websocket.closed_by_client, websocket.close_reason

    @property
    def findings(self) -> list[str]:
        return list(self.memory.told["findings"])

    def is_closed(self, conn: Connection) -> bool:
        return conn in self.memory.closed

    def is_over(self) -> bool:
        """Whether the flow has ended, and both connections with it."""
        closed = self.memory.closed
        over = "websocket_end" in self.memory.names
        return over and self.memory.client in closed and self.memory.server in closed


def said(events: list[Event]) -> list[bytes]:
    """The payloads of messages, in order; a binary one with a B in front."""
    payloads: list[bytes] = []
    for event in events:
        match event:
            case TextFrames():
                payloads += [text.encode() for text in event.texts]
            case TextMessages():
                payloads += event.payloads
            case Message():
                payloads.append((b"B" if event.binary else b"") + event.payload)
    return payloads
