"""One script on one real connection: every wait, buffer and segment within its limits."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable

from ws76proxy.endpoint import Endpoint
from ws76proxy.probe.script import Listen, Script, Send, Step, Wait
from ws76proxy.probe.witness import Ended, Witness

__all__ = ["connect", "perform"]

_CHUNK = 65_536
_GOODBYE = 1.0


async def connect(
    endpoint: Endpoint, context: ssl.SSLContext | None, patience: float
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the server. Raises OSError, and TimeoutError after `patience` seconds."""
    async with asyncio.timeout(patience):
        return await asyncio.open_connection(endpoint.host, endpoint.port, ssl=context)


async def perform(
    script: Script,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    secure: bool,
    patience: float,
) -> Witness:
    """Carry a script out on a new connection and end that; what the server did.

    No step takes longer than `patience` seconds beyond its own pauses.
    """
    performance = _Performance(script, reader, writer, secure, patience)
    reading = asyncio.create_task(performance.read())
    try:
        await performance.run()
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await _close(writer)
    return performance.witness


async def _close(writer: asyncio.StreamWriter) -> None:
    """End a connection, by force where the server does not let it go."""
    writer.close()
    try:
        async with asyncio.timeout(_GOODBYE):
            await writer.wait_closed()
    except TimeoutError:
        writer.transport.abort()
    except OSError:
        # It was broken already.
        return


class _Performance:
    def __init__(
        self,
        script: Script,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        secure: bool,
        patience: float,
    ) -> None:
        self.witness = Witness(script, secure=secure)
        self._reader = reader
        self._writer = writer
        self._patience = patience
        self._changed = asyncio.Event()

    async def read(self) -> None:
        """Take in what the server sends, to its end or to the witness's limit."""
        witness = self.witness
        while witness.ended in (None, Ended.TIME):
            try:
                data = await self._reader.read(_CHUNK)
            except OSError:
                witness.end(Ended.RESET)
            else:
                if data:
                    witness.receive(data)
                else:
                    witness.end(Ended.CLOSED)
            self._changed.set()
            if self._reader.at_eof():
                return

    async def run(self) -> None:
        """The steps, as far as the connection goes."""
        await self._each(self.witness.script.steps)
        if self.witness.is_open:
            await self._each(self.witness.script.talk)

    async def _each(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            if self.witness.ended is not None:
                return
            if isinstance(step, Send):
                await self._send(step)
            elif isinstance(step, Wait):
                await self._wait(step)
            elif isinstance(step, Listen):
                await self._listen(step.seconds)
            else:
                self._finish()

    async def _send(self, step: Send) -> None:
        for number, segment in enumerate(step.segments):
            if number:
                await self._listen(step.pause)
            # A broken connection is closed before the reader has heard of it.
            if self.witness.ended is not None or self._writer.transport.is_closing():
                return
            self._writer.write(segment)
            try:
                async with asyncio.timeout(self._patience):
                    await self._writer.drain()
            except TimeoutError:
                self.witness.end(Ended.TIME, self._patience)
            except OSError:
                # The reader sees how the connection ended.
                return

    async def _wait(self, step: Wait) -> None:
        reached = await self._until(
            lambda: self.witness.reached(step.until, step.text), self._patience
        )
        if not reached:
            self.witness.end(Ended.TIME, self._patience)

    async def _listen(self, seconds: float) -> None:
        await self._until(lambda: self.witness.ended is not None, seconds)

    async def _until(self, reached: Callable[[], bool], seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not reached():
                    self._changed.clear()
                    await self._changed.wait()
        return reached()

    def _finish(self) -> None:
        if not self._writer.transport.is_closing():
            with contextlib.suppress(OSError):
                self._writer.write_eof()
