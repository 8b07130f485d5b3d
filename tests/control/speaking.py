"""A client of the control socket that a test drives line by line."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from .pretending import lines_of


class Client:
    """Speaks the protocol line by line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.events: list[dict[str, Any]] = []
        """What came while an answer was waited for."""

    async def line(self) -> dict[str, Any]:
        """The next event, or answer that nobody waited for."""
        return self.events.pop(0) if self.events else await self._line()

    async def _line(self) -> dict[str, Any]:
        line = await self.reader.readuntil(b"\n")
        value: dict[str, Any] = json.loads(line)
        return value

    async def ask(self, request: str, **fields: Any) -> dict[str, Any]:
        """Ask, and return the answer."""
        self.send({"id": request, "request": request, **fields})
        while "id" not in (answer := await self._line()):
            self.events.append(answer)
        assert answer["id"] == request
        return answer

    def send(self, *values: Any) -> None:
        self.writer.write(lines_of(*values))

    async def has_ended(self) -> bool:
        return await self.reader.read() == b""


@contextlib.asynccontextmanager
async def connected(path: Path) -> AsyncIterator[Client]:
    """A client that has been greeted."""
    reader, writer = await asyncio.open_unix_connection(path, limit=1 << 27)
    client = Client(reader, writer)
    try:
        yield client
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def greeted(path: Path) -> AsyncIterator[Client]:
    """The same, the greeting read."""
    async with connected(path) as client:
        assert (await client.line())["type"] == "greeting"
        yield client
