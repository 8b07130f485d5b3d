"""Two peers of any dialects with a session between them that translates: all pure, one process."""

from __future__ import annotations

from random import Random
from typing import Any

from ws76proxy.bridge import DIALECTS, BridgeOptions
from ws76proxy.session import Peer
from ws76proxy.wire import Connection, hixie75, hixie76, rfc6455
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import (
    Close,
    ClosingHandshake,
    DiscardedFrame,
    Event,
    InvalidText,
    Message,
    Ping,
    Pong,
    ProtocolFault,
    TextFrames,
    TextMessages,
)

from .playbook import LISTENER, Play

__all__ = ["H75", "H76", "PAIRS", "RFC", "Bridged"]

H76, H75, RFC = DIALECTS
PAIRS = [(client, server) for client in DIALECTS for server in DIALECTS]
WIRE: dict[Dialect, Any] = {H76: hixie76, H75: hixie75, RFC: rfc6455}
ORIGIN = f"http://{LISTENER.authority}"


class Bridged(Play):
    """A session, and who talks through it.

    The peers speak `client` and `server`; what the session is told of that is `asks`, by default
    the server's dialect, or where that would not be translated, to find it out. `bridge` are fields
    of BridgeOptions. `open` goes as far as messages; then `says` and `heard` are in words.
    """

    def __init__(
        self,
        client: Dialect,
        server: Dialect,
        *,
        asks: Any = None,
        bridge: dict[str, Any] | None = None,
        protocols: tuple[str, ...] = (),
        extra: tuple[tuple[str, str]] | tuple[()] = (),
        host: str = "upstream",
        **changes: Any,
    ) -> None:
        if asks is None:
            asks = "auto" if client is server and client.is_hixie else server
        super().__init__(
            server_dialect=asks, bridge=BridgeOptions(**(bridge or {})), host=host, **changes
        )
        self.peers: dict[Peer, Any] = {
            Peer.CLIENT: WIRE[client].ClientConnection(),
            Peer.SERVER: WIRE[server].ServerConnection(),
        }
        random = Random(6455).randrange
        fields: dict[str, Any] = {"resource": "/demo", "host": LISTENER.authority, "extra": extra}
        fields["origin"] = ORIGIN
        if client is RFC:
            fields["protocols"] = protocols
        elif protocols:
            (fields["protocol"],) = protocols
        if client is not H75:
            fields["random_below"] = random
        self.peers[Peer.CLIENT].connect(**fields)

    @property
    def asking(self) -> bytes:
        """What the client begins with."""
        asking: bytes = self.peers[Peer.CLIENT].data_to_send()
        return asking

    def accept(self, protocol: str | None = None) -> bytes:
        """What the server answers to what has come to it."""
        server = self.peers[Peer.SERVER]
        server.receive_data(b"".join(self.sent("server")))
        server.events()
        fields: dict[str, Any] = {}
        if server.dialect is not RFC:
            fields["location"] = "ws://server.test:9000/demo"
        if protocol is not None:
            fields["protocol"] = protocol if server.dialect is not RFC else protocol.encode()
        server.accept(**fields)
        accepted: bytes = server.data_to_send()
        return accepted

    def open(self, protocol: str | None = None) -> Bridged:
        """The handshake is done, and its records are looked at."""
        self.client(self.asking)
        self.server(self.accept(protocol))
        self.opened()
        self.ask_no_more()
        return self

    def opened(self) -> None:
        """The client has got its answer."""
        client = self.peers[Peer.CLIENT]
        client.receive_data(b"".join(self.sent("client")))
        client.events()
        client.open()

    # What is said

    def says(self, who: str, *said: str | bytes) -> None:
        """A peer says these messages in one piece: text, or binary."""
        connection = self.peers[Peer(who)]
        for one in said:
            if isinstance(one, bytes):
                connection.send_binary(one)
            else:
                connection.send_text(one)
        self.sends(who, connection.data_to_send())

    def closes(self, who: str, code: int | None = 1000, reason: str = "") -> None:
        """A peer begins, or answers, the closing handshake; in hixie-75 it ends."""
        connection = self.peers[Peer(who)]
        if connection.dialect is RFC:
            connection.send_close(code, reason)
        else:
            connection.send_close()
        data = connection.data_to_send()
        if data:
            self.sends(who, data)
        else:
            self.ends(who)

    def sends(self, who: str, data: bytes) -> None:
        """A peer sends these bytes."""
        (self.client if who == "client" else self.server)(data)

    def ends(self, who: str) -> None:
        """A peer ends its stream."""
        (self.client_ends if who == "client" else self.server_ends)()

    def heard(self, who: str) -> list[str | bytes]:
        """What a peer has got since this was last asked; at last "end", once, where it has been
        told that no more will come."""
        connection: Connection[Any] = self.peers[Peer(who)]
        connection.receive_data(b"".join(self.sent(who)))
        words = [word for event in connection.events() for word in _in_words(event)]
        if Peer(who) in self._owner.finished and connection not in self._told:
            self._told.append(connection)
            words.append("end")
        answer = connection.data_to_send()
        if answer:
            # Pongs.
            self.sends(who, answer)
        return words

    @property
    def _told(self) -> list[Any]:
        if not hasattr(self, "_ends_told"):
            self._ends_told: list[Any] = []
        return self._ends_told


def _in_words(event: Event) -> list[str | bytes]:
    match event:
        case TextFrames() | TextMessages():
            return list(event.texts)
        case Message(binary=True):
            return [event.payload]
        case Message() | InvalidText():
            return [event.text]
        case Close(code=code, reason=reason):
            return [f"close {code} {reason}".rstrip()]
        case ClosingHandshake():
            return ["FF 00"]
        case Ping(payload=payload):
            return [f"ping {payload.decode()}".rstrip()]
        case Pong(payload=payload):
            return [f"pong {payload.decode()}".rstrip()]
        case DiscardedFrame(raw=raw):
            return [f"frame {raw.hex(' ')}"]
        case ProtocolFault(why=why):
            raise AssertionError(why)
    raise AssertionError(event)
