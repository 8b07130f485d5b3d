"""Serves the control socket: each connection asks, is answered, and is told what it watches."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from typing import Self, cast

import msgspec

from ws76proxy import __version__
from ws76proxy.control.breakpoints import Breakpoints
from ws76proxy.control.messages import (
    PROTOCOL,
    AnyAnswer,
    AnyRequest,
    DoneAnswer,
    DropRequest,
    EditRequest,
    ErrorAnswer,
    GoneEvent,
    Greeting,
    HeldAnswer,
    HeldMessage,
    HeldRequest,
    PingRequest,
    PongAnswer,
    RefusedError,
    ReleaseRequest,
    SessionsAnswer,
    SessionsRequest,
    ShownAnswer,
    ShowRequest,
    WaitingEvent,
    WatchingAnswer,
    WatchRequest,
    read_id,
    read_request,
)
from ws76proxy.record import SCHEMA_VERSION

__all__ = ["ControlLimits", "ControlServer"]

MIB = 1024 * 1024
# How long a client may take to read what was said to it last, when it has asked for nothing more
# itself, and when it is sent away.
_LAST_ANSWERS = 60.0
_LAST_WORDS = 5.0
# The same, when the relay ends.
_END = 1.0
_READ_AHEAD = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlLimits:
    """What clients may take, in bytes: a line of theirs, what waits for one that reads slowly."""

    clients: int = 16
    line: int = 64 * MIB
    waiting: int = 8 * MIB


class ControlServer:
    """Serves a socket that listens already, from `begin` until it is left.

    Who connects before `begin`, when there may be no relay yet, waits.
    """

    def __init__(
        self,
        listener: socket.socket,
        breakpoints: Breakpoints,
        limits: ControlLimits = ControlLimits(),
    ) -> None:
        self.breakpoints = breakpoints
        self.limits = limits
        self.connections: set[_Connection] = set()
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._empty = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_unix_server(
            lambda: _Connection(self), sock=self._listener, start_serving=False
        )
        return self

    async def begin(self) -> None:
        """Answer, from now on."""
        assert self._server is not None  # noqa: S101 - it is entered
        await self._server.start_serving()

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for connection in [*self.connections]:
            connection.leave()
        await self._until_empty()
        for connection in [*self.connections]:
            connection.transport.abort()
        await self._until_empty()

    async def _until_empty(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END):
                while self.connections:
                    self._empty.clear()
                    await self._empty.wait()

    def forget(self, connection: _Connection) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        if not self.connections:
            self._empty.set()


class _Connection(asyncio.Protocol):
    """One client."""

    wants_records = False
    transport: asyncio.Transport

    def __init__(self, server: ControlServer) -> None:
        self._server = server
        self._breakpoints = server.breakpoints
        self._limits = server.limits
        self._encoder = msgspec.json.Encoder()
        self._begun: list[bytes] = []
        self._size = 0
        self._unread = b""
        self._is_behind = False
        self._has_ended = False
        self._is_leaving = False
        self._cut: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=_READ_AHEAD)
        limits = self._limits
        is_one_too_many = len(self._server.connections) >= limits.clients
        self._server.connections.add(self)
        if is_one_too_many:
            text = f"{limits.clients} clients already"
            self._error(None, "too-many-clients", text, f"{limits.clients} at most")
            self.leave()
            return
        self._say(
            Greeting(
                protocol=PROTOCOL,
                tool=f"ws76proxy {__version__}",
                records=SCHEMA_VERSION,
                longest_line=limits.line,
                most_waiting=limits.waiting,
            )
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_leaving = True
        self._unread = b""
        self._begun.clear()
        if self._cut is not None:
            self._cut.cancel()
        self._breakpoints.unwatch(self)
        self._server.forget(self)

    def leave(self, patience: float = _LAST_WORDS) -> None:
        """Close, once what was said is read; without that when it takes too long."""
        if self._is_leaving:
            return
        self._is_leaving = True
        self._unread = b""
        self._begun.clear()
        self._breakpoints.unwatch(self)
        self.transport.close()
        loop = asyncio.get_running_loop()
        self._cut = loop.call_later(patience, self.transport.abort)

    # What comes

    def data_received(self, data: bytes) -> None:
        if not self._is_leaving:
            self._unread += data
            self._read()

    def eof_received(self) -> bool:
        self._has_ended = True
        self._read()
        return True

    def pause_writing(self) -> None:
        # Who does not read answers gets no more of them.
        self._is_behind = True
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_behind = False
        if not self._is_leaving:
            if not self._has_ended:
                self.transport.resume_reading()
            self._read()

    def _read(self) -> None:
        """Answer the lines that are there, for as long as the answers are read."""
        data, begin = self._unread, 0
        while not self._is_behind and not self._is_leaving:
            end = data.find(b"\n", begin)
            if end < 0:
                self._gather(data[begin:])
                begin = len(data)
                break
            self._gather(data[begin:end])
            begin = end + 1
            self._finish_line()
        if self._is_leaving:
            return
        self._unread = data[begin:]
        if self._has_ended and not self._unread and not self._is_behind:
            if self._size:
                self._finish_line()
            self.leave(_LAST_ANSWERS)

    def _gather(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= self._limits.line:
            self._begun.append(piece)
        else:
            self._begun.clear()

    def _finish_line(self) -> None:
        line, size = b"".join(self._begun), self._size
        self._begun.clear()
        self._size = 0
        if size > self._limits.line:
            text, most = f"a line of {size:,} bytes", f"{self._limits.line:,} at most"
            self._error(None, "line-too-long", text, most)
        elif line.strip():
            self._answer(line)

    def _answer(self, line: bytes) -> None:
        request: AnyRequest | None = None
        try:
            request = read_request(line)
            self._say(self._do(request))
        except RefusedError as refusal:
            name = read_id(line) if request is None else request.id
            self._error(name, refusal.code, refusal.found, refusal.expected)

    def _do(self, request: AnyRequest) -> AnyAnswer:
        breakpoints = self._breakpoints
        match request:
            case HeldRequest():
                return HeldAnswer(id=request.id, messages=breakpoints.held())
            case ShowRequest():
                return ShownAnswer(id=request.id, message=breakpoints.show(request.message))
            case ReleaseRequest():
                breakpoints.release(request.message)
            case EditRequest():
                breakpoints.edit(request.message, request.content)
            case DropRequest():
                breakpoints.drop(request.message)
            case WatchRequest():
                self.wants_records = request.records
                return WatchingAnswer(id=request.id, messages=breakpoints.watch(self))
            case SessionsRequest():
                return SessionsAnswer(id=request.id, sessions=breakpoints.sessions())
            case PingRequest():
                return PongAnswer(id=request.id)
        return DoneAnswer(id=request.id)

    # What goes

    def waits(self, message: HeldMessage) -> None:
        self._event([self._encoder.encode(WaitingEvent(message=message))])

    def gone(self, event: GoneEvent) -> None:
        self._event([self._encoder.encode(event)])

    def told(self, lines: list[bytes]) -> None:
        self._event([b'{"type":"record","record":%b}' % line for line in lines])

    def _event(self, lines: list[bytes]) -> None:
        if self._is_leaving:
            return
        waiting = self.transport.get_write_buffer_size()
        data = b"".join([b"%b\n" % line for line in lines])
        # One alone may be larger than all that may wait: nobody could ever watch otherwise.
        if waiting and waiting + len(data) > self._limits.waiting:
            text = f"a client that has not read {waiting:,} bytes of events"
            self._error(None, "too-slow", text, f"{self._limits.waiting:,} at most")
            self.leave()
            return
        self.transport.write(data)

    def _error(self, name: int | str | None, code: str, found: str, expected: str) -> None:
        self._say(ErrorAnswer(id=name, code=code, found=found, expected=expected))

    def _say(self, answer: AnyAnswer) -> None:
        self.transport.write(self._encoder.encode(answer) + b"\n")
