"""An echo server for hixie-76 and hixie-75 that serves a page for old browsers too."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from types import TracebackType
from typing import cast

from ws76proxy.diagnosis import expected_location
from ws76proxy.wire import (
    ClosingHandshake,
    Dialect,
    HeadReader,
    InvalidText,
    RequestHead,
    ServerConnection,
    TextFrames,
    dialect_of,
    hixie75,
    hixie76,
)
from ws76proxy.wire.connection import plain_response
from ws76proxy.wire.head import Head

__all__ = ["EchoServer"]


class EchoServer:
    """Sends each text message back. An asynchronous context manager; `port` says where."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> EchoServer:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(_Client, self._host, self._port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        assert self._server is not None  # noqa: S101 - asked inside the context only
        port: int = self._server.sockets[0].getsockname()[1]
        return port


class _Client(asyncio.Protocol):
    """One client: first a head, then, where it asks for a WebSocket, messages."""

    def __init__(self) -> None:
        self._reader = HeadReader(RequestHead)
        self._connection: hixie76.ServerConnection | hixie75.ServerConnection | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def pause_writing(self) -> None:
        # Who does not read its echoes is not read either.
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self._connection is None:
            head = self._reader.feed(data)
            if self._reader.refusal is not None:
                self._answer(plain_response(431, "Request Header Fields Too Large"))
                return
            if head is None:
                return
            self._arrived(head)
            data = self._reader.excess
        if self._connection is not None:
            self._connection.receive_data(data)
            self._accept(self._connection)
            self._echo(self._connection)

    def _arrived(self, head: RequestHead) -> None:
        dialect = dialect_of(head)
        if dialect is Dialect.HIXIE_76:
            self._connection = hixie76.ServerConnection()
        elif dialect is Dialect.HIXIE_75:
            self._connection = hixie75.ServerConnection()
        elif head.target in (b"/", b"/demo.html") and head.method == b"GET":
            page = files("ws76proxy.demo").joinpath("demo.html").read_bytes()
            fields = [
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Length", str(len(page))),
                ("Connection", "close"),
            ]
            self._answer(Head.build("HTTP/1.1 200 OK", fields).raw + page)
            return
        elif dialect.is_websocket:
            text = "This server speaks hixie-76 and hixie-75.\n"
            self._answer(plain_response(400, "Bad Request", text))
            return
        else:
            self._answer(plain_response(404, "Not Found", "The page is at /demo.html.\n"))
            return
        self._connection.receive_head(head)
        self._connection.events()

    def _accept(self, connection: hixie76.ServerConnection | hixie75.ServerConnection) -> None:
        request = connection.head
        if connection.accepted or connection.tail_missing or request is None:
            return
        if isinstance(connection, hixie76.ServerConnection):
            challenge = connection.challenge
            if challenge is None or challenge.answer is None:
                self._answer(plain_response(400, "Bad Request", "No answer to these keys.\n"))
                return
        prefix = b"" if isinstance(connection, hixie75.ServerConnection) else b"sec-"
        location = expected_location(request, secure=False) or b""
        connection.accept(
            location=location.decode("latin-1"),
            protocol=request.value(prefix + b"websocket-protocol"),
        )
        self._transport.write(connection.data_to_send())

    def _echo(self, connection: ServerConnection) -> None:
        if not connection.accepted:
            return
        for event in connection.events():
            if isinstance(event, TextFrames):
                self._transport.write(event.raw)
            elif isinstance(event, InvalidText):
                connection.send_text(event.text)
                self._transport.write(connection.data_to_send())
            elif isinstance(event, ClosingHandshake):
                connection.send_close()
                self._answer(connection.data_to_send())

    def _answer(self, data: bytes) -> None:
        self._transport.write(data)
        self._transport.close()
