"""A hixie-76 client for one short conversation."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import TypeVar

from ws76proxy.errors import Ws76Error
from ws76proxy.wire import ClosingHandshake, DigestBytes, EndOfStream, TextFrames, hixie76
from ws76proxy.wire.events import Event

__all__ = ["DemoError", "converse"]

EventType = TypeVar("EventType", bound=Event)


class DemoError(Ws76Error):
    """The conversation did not go as it must."""


async def converse(
    host: str, port: int, messages: Sequence[str], *, protocol: str | None = None
) -> list[str]:
    """Open, send each message when the answer to the one before has come, close; the answers.

    Raises DemoError when the server does not prove itself, and OSError.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        return await _Conversation(reader, writer).run(f"{host}:{port}", messages, protocol)
    finally:
        writer.close()
        await writer.wait_closed()


class _Conversation:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._connection = hixie76.ClientConnection()
        self._events: list[Event] = []

    async def run(self, host: str, messages: Sequence[str], protocol: str | None) -> list[str]:
        connection = self._connection
        challenge = connection.connect(
            resource="/echo?from=demo",
            host=host,
            random_below=secrets.randbelow,
            origin=f"http://{host}",
            protocol=protocol,
            extra=[("Cookie", "session=not-for-your-eyes")],
        )
        await self._send()
        await self._until(DigestBytes)
        if connection.digest != challenge.answer:
            raise DemoError("the server's answer to the challenge is wrong")
        connection.open()
        answers = []
        for message in messages:
            connection.send_text(message)
            await self._send()
            answers += (await self._until(TextFrames)).texts
        connection.send_close()
        await self._send()
        await self._until(ClosingHandshake)
        return answers

    async def _send(self) -> None:
        self._writer.write(self._connection.data_to_send())
        await self._writer.drain()

    async def _until(self, wanted: type[EventType]) -> EventType:
        while True:
            while self._events:
                event = self._events.pop(0)
                if isinstance(event, wanted):
                    return event
                if isinstance(event, EndOfStream):
                    raise DemoError("the server closed the connection")
            data = await self._reader.read(65536)
            if data:
                self._connection.receive_data(data)
            else:
                self._connection.receive_eof()
            self._events += self._connection.events()
