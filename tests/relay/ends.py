"""Both ends of what a relay stands between, driven step by step by one test."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from typing import Protocol

from .handshakes import ANSWER, DIGEST, KEY3, frame, request


class End:
    """One end of a connection: sends what it is told to, reads what it is asked for."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send, and wait until there is room for more."""
        self._writer.write(data)
        await self._writer.drain()

    def send_some(self, data: bytes) -> bool:
        """Send without waiting; whether everything sent so far has left."""
        self._writer.write(data)
        return not self._writer.transport.get_write_buffer_size()

    async def receive(self, size: int) -> bytes:
        """Exactly so many bytes."""
        return await self._reader.readexactly(size)

    async def receive_head(self) -> bytes:
        """Up to the blank line."""
        return await self._reader.readuntil(b"\r\n\r\n")

    async def receive_some(self) -> bytes:
        """What is there, at least one byte; nothing at the end."""
        return await self._reader.read(1 << 18)

    async def rest(self) -> bytes:
        """Everything up to the other end's FIN."""
        return await self._reader.read()

    async def until_dropped(self) -> bytes:
        """Everything up to the end, whether that is a FIN or a reset."""
        received = b""
        with contextlib.suppress(ConnectionError):
            while data := await self.receive_some():
                received += data
        return received

    @property
    def tls_version(self) -> str | None:
        """Which TLS is spoken."""
        secured: ssl.SSLObject | None = self._writer.get_extra_info("ssl_object")
        return None if secured is None else secured.version()

    def finish(self) -> None:
        """Send FIN and go on reading."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Drop the connection as a process does that crashed."""
        connection: socket.socket = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def shrink(self) -> None:
        """Have the kernel keep little for this end: a test fills it sooner."""
        connection: socket.socket = self._writer.get_extra_info("socket")
        for which in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            connection.setsockopt(socket.SOL_SOCKET, which, 65_536)

    async def close(self) -> None:
        """Close, whatever state this is in."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    # What a client does often

    async def ask(self, head: bytes | None = None) -> bytes:
        """Send an opening handshake; the head of the answer."""
        await self.send((request() if head is None else head) + KEY3)
        return await self.receive_head()

    async def open(self, head: bytes | None = None) -> bytes:
        """A whole opening handshake with the right answer; its head."""
        answer = await self.ask(head)
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert await self.receive(16) == DIGEST
        return answer

    async def echo(self, text: bytes) -> None:
        """Send a message and get it back."""
        await self.send(frame(text))
        assert await self.receive(len(text) + 2) == frame(text)

    # What a server does often

    async def answer(self) -> bytes:
        """Read a client's opening handshake and accept it; its head."""
        head = await self.receive_head()
        assert await self.receive(8) == KEY3
        await self.send(ANSWER)
        return head


@contextlib.asynccontextmanager
async def connecting(
    port: int,
    host: str = "127.0.0.1",
    *,
    tls: ssl.SSLContext | None = None,
    name: str | None = None,
) -> AsyncIterator[End]:
    """A client's connection; `name` is the one that its TLS asks for."""
    if tls is not None and name is None:
        name = host
    reader, writer = await asyncio.open_connection(host, port, ssl=tls, server_hostname=name)
    end = End(reader, writer)
    try:
        yield end
    finally:
        await end.close()


class Server:
    """Listens; each client is handed to the test that accepts it."""

    def __init__(self) -> None:
        self.port = 0
        self._arrived: asyncio.Queue[End] = asyncio.Queue()
        self.ends: list[End] = []

    async def accept(self) -> End:
        """The next client."""
        return await self._arrived.get()

    def arrive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = End(reader, writer)
        self.ends.append(end)
        self._arrived.put_nowait(end)


@contextlib.asynccontextmanager
async def serving(
    host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """A server on a free port."""
    server = Server()
    listening = await asyncio.start_server(server.arrive, host, 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for end in server.ends:
            await end.close()


class HasClients(Protocol):
    """A relay, wherever it runs."""

    def client(self) -> contextlib.AbstractAsyncContextManager[End]:
        """A client of it."""


async def opened(client: End, server: Server) -> End:
    """The server's end of a session that a client opens."""
    await client.send(request() + KEY3)
    upstream = await server.accept()
    await upstream.answer()
    await client.receive_head()
    assert await client.receive(len(DIGEST)) == DIGEST
    return upstream


@contextlib.asynccontextmanager
async def conversing(relay: HasClients, server: Server) -> AsyncIterator[tuple[End, End]]:
    """An open session: its client, and the server's end of it."""
    async with relay.client() as client:
        yield client, await opened(client, server)


async def accepts(port: int) -> bool:
    """Whether anybody listens there."""
    with contextlib.suppress(ConnectionError):
        async with connecting(port):
            return True
    return False
