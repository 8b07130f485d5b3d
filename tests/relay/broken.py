"""Servers with a bug each, and faulty intermediaries, written as their implementers would have."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import hashlib
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

Answer = Callable[[str, str, bytes], bytes]
"""What is sent behind the head, for both keys and the 8 bytes behind the request's head."""

Forward = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Passes on what comes, until nothing more does."""

_INT_MAX = 2**31 - 1


# How servers answer


def rightly(key1: str, key2: str, body: bytes) -> bytes:
    """As the draft wants it."""
    parts = [_digits(key) // key.count(" ") for key in (key1, key2)]
    return _md5(struct.pack(">II", *parts) + body)


def trimming(key1: str, key2: str, body: bytes) -> bytes:
    """The body is taken for text, around which white space means nothing."""
    return rightly(key1, key2, body.strip())


def clamping(key1: str, key2: str, body: bytes) -> bytes:
    """Reads numbers as atoi does where a long has 32 bits."""
    parts = [min(_digits(key), _INT_MAX) // key.count(" ") for key in (key1, key2)]
    return _md5(struct.pack(">ii", *parts) + body)


def wrapping(key1: str, key2: str, body: bytes) -> bytes:
    """Reads numbers as atoi does where a long has 64 bits and an int has 32."""
    # int() cuts towards zero, as the division of C does, and a double holds 32 bits exactly.
    parts = [int(ctypes.c_int32(_digits(key)).value / key.count(" ")) for key in (key1, key2)]
    return _md5(struct.pack(">ii", *parts) + body)


def stopping_at_nul(key1: str, key2: str, body: bytes) -> bytes:
    """Sends the digest with a function for strings of C."""
    return ctypes.create_string_buffer(rightly(key1, key2, body)).value


def _digits(key: str) -> int:
    return int("".join([character for character in key if character in "0123456789"]))


def _md5(challenge: bytes) -> bytes:
    return hashlib.md5(challenge, usedforsecurity=False).digest()


# How intermediaries pass on what a client says


async def untouched(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes as they come."""
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def skipping_empty_lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a parser of HTTP: a GET has no body, and before the next message empty lines may stand."""
    writer.write(await reader.readuntil(b"\r\n\r\n"))
    while data := await reader.read(1 << 16):
        if behind := data.lstrip(b"\r\n"):
            writer.write(behind)
            break
    await untouched(reader, writer)


# Both at work


@contextlib.asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[int]:
    """The port of a server that echoes, and knows nothing of TLS."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        start, *lines = head.split("\r\n")
        fields = dict([line.split(": ", 1) for line in lines if line])
        body = await reader.readexactly(8)
        head = (
            "HTTP/1.1 101 WebSocket Protocol Handshake\r\n"
            "Upgrade: WebSocket\r\n"
            "Connection: Upgrade\r\n"
            f"Sec-WebSocket-Location: ws://{fields['Host']}{start.split(' ')[1]}\r\n"
            f"Sec-WebSocket-Origin: {fields['Origin']}\r\n"
            "\r\n"
        )
        keys = fields["Sec-WebSocket-Key1"], fields["Sec-WebSocket-Key2"]
        writer.write(head.encode() + answer(*keys, body))
        await untouched(reader, writer)

    async with _listening(serve) as port:
        yield port


@contextlib.asynccontextmanager
async def forwarding(
    port: int, requests: Forward = untouched, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """The port of an intermediary before the server at `port`; `tls` ends there."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            _to_the_end(requests, reader, server), _to_the_end(untouched, answers, writer)
        )

    async with _listening(forward, tls) as listening:
        yield listening


@contextlib.asynccontextmanager
async def _listening(serve: Forward, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(_to_the_end(serve, reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*tasks)


async def _to_the_end(
    work: Forward, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Work until either side has left, in order or not, then leave as well."""
    with contextlib.suppress(OSError, EOFError):
        await work(reader, writer)
    writer.close()
