"""A relay that translates, on real sockets: a client and a server of any dialect, and a table."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

from ws76proxy.bridge import DIALECTS, BridgeOptions
from ws76proxy.record import SessionEndRecord
from ws76proxy.wire import Connection, hixie75, hixie76, rfc6455
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import (
    Close,
    ClosingHandshake,
    EndOfStream,
    Event,
    Message,
    Request,
    Response,
    TextFrames,
    TextMessages,
)

from .ends import End, serving
from .harness import Running, relaying

__all__ = ["H75", "H76", "OUTCOMES", "PAIRS", "RFC", "Talk", "Talker", "table", "talking"]

H76, H75, RFC = DIALECTS
PAIRS = [(client, server) for client in DIALECTS for server in DIALECTS]
WIRE: dict[Dialect, Any] = {H76: hixie76, H75: hixie75, RFC: rfc6455}

OUTCOMES: dict[tuple[str, str], dict[str, str]] = {}
"""What came of each case of this run: by pair, then by case."""


def table() -> Iterator[str]:
    """The pairs, one a line, with what came of each case."""
    cases = list(dict.fromkeys(case for row in OUTCOMES.values() for case in row))
    width = max(len(case) for case in cases)
    yield " " * 22 + "  ".join(f"{case:{width}}" for case in cases)
    for client, server in PAIRS:
        row = OUTCOMES.get((client, server), {})
        cells = "  ".join(f"{row.get(case, '-'):{width}}" for case in cases)
        yield f"{client:>8} → {server:<8}   {cells}"


class Talker:
    """One end, in its own dialect."""

    def __init__(self, end: End, connection: Any) -> None:
        self.end = end
        self.connection: Any = connection
        self._events: list[Event] = []
        self._words: list[str | bytes] = []

    @property
    def is_modern(self) -> bool:
        return bool(self.connection.dialect is RFC)

    async def leave(self) -> None:
        """Send what the connection has to say."""
        data = self.connection.data_to_send()
        if data:
            await self.end.send(data)

    async def event(self) -> Event:
        """What comes next."""
        while not self._events:
            data = await self.end.receive_some()
            if data:
                self.connection.receive_data(data)
            else:
                self.connection.receive_eof()
            self._events += self.connection.events()
            await self.leave()
        return self._events.pop(0)

    async def says(self, *said: str | bytes) -> None:
        """Messages: text or binary."""
        for one in said:
            if isinstance(one, bytes):
                self.connection.send_binary(one)
            else:
                self.connection.send_text(one)
        await self.leave()

    async def hears(self) -> str | bytes:
        """The next message, closing or end, in words."""
        while not self._words:
            match await self.event():
                case TextFrames() | TextMessages() as event:
                    self._words += event.texts
                case Message(payload=payload, binary=binary):
                    self._words.append(payload if binary else payload.decode())
                case Close(code=code, reason=reason):
                    self._words.append(f"close {code} {reason}".rstrip())
                case ClosingHandshake():
                    self._words.append("FF 00")
                case EndOfStream():
                    self._words.append("end")
        return self._words.pop(0)

    async def closes(self, code: int = 1000, reason: str = "") -> None:
        """Begin or answer the closing handshake; in hixie-75, end."""
        if self.is_modern:
            self.connection.send_close(code, reason)
        else:
            self.connection.send_close()
        data = self.connection.data_to_send()
        if data:
            await self.end.send(data)
        else:
            self.end.finish()


class Talk:
    """Both ends, and the relay between them."""

    def __init__(self, relay: Running, client: Talker, server: Talker) -> None:
        self.relay = relay
        self.client = client
        self.server = server

    def both(self, who: str) -> tuple[Talker, Talker]:
        """Who speaks, and the other one."""
        ends = (self.client, self.server)
        return ends if who == "client" else ends[::-1]

    async def over(self) -> SessionEndRecord:
        """The end of the session."""
        return await self.relay.recorder.ended()


def asks_of(client: Dialect, server: Dialect) -> Dialect | str:
    """What the relay is told of the server: its name, unless that would be plain forwarding."""
    return "auto" if client is server and client.is_hixie else server


@contextlib.asynccontextmanager
async def talking(
    client: Dialect, server: Dialect, *, bridge: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[Talk]:
    """A session that is open; `bridge` are fields of BridgeOptions, `options` the relay's."""
    session = {
        "server_dialect": asks_of(client, server),
        "bridge": BridgeOptions(**(bridge or {})),
        **options.pop("session", {}),
    }
    async with (
        serving() as listening,
        relaying(listening.port, session=session, **options) as relay,
        relay.client() as near,
    ):
        speaks: Connection[Any] = WIRE[client].ClientConnection()
        asked: dict[str, Any] = {"resource": "/demo", "host": f"127.0.0.1:{relay.port}"}
        asked["origin"] = f"http://127.0.0.1:{relay.port}"
        if client is not H75:
            asked["random_below"] = secrets.randbelow
        speaks.connect(**asked)  # type: ignore[attr-defined]
        here = Talker(near, speaks)
        await here.leave()
        there = Talker(await listening.accept(), WIRE[server].ServerConnection())
        while not isinstance(await there.event(), Request) or there.connection.tail_missing:
            pass
        fields = {} if server is RFC else {"location": f"ws://127.0.0.1:{listening.port}/demo"}
        there.connection.accept(**fields)
        await there.leave()
        while not isinstance(await here.event(), Response) or speaks.tail_missing:
            pass
        speaks.open()
        yield Talk(relay, here, there)
