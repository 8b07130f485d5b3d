"""A connection on which one side of a recorded session is played: commands, times, slow readers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any, cast

from ws76proxy.replay.player import Command, Done, Player, Send, SendEof, WaitUntil
from ws76proxy.wire.connection import Connection

__all__ = ["Stage"]

# How long a peer may take to read what is left after the end.
_CLOSE_TIMEOUT = 2.0


class Stage(asyncio.Protocol):
    """One connection. Who opens it says what the handshake is; then `play` begins.

    `gone` is set once the connection is closed.
    """

    def __init__(self, write_buffer: int) -> None:
        self.player: Player | None = None
        self.connection: Connection[Any] | None = None
        self.transport: asyncio.Transport
        self.gone = asyncio.Event()
        self.began = 0.0
        self._write_buffer = write_buffer
        self._timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.TimerHandle | None = None

    # For who opens the connection

    def opens(self) -> None:
        """The connection is there."""

    def receive(self, data: bytes) -> None:
        """Bytes of the opening handshake."""

    def broke_off(self, why: str) -> None:
        """The handshake will not be completed."""

    def finished(self) -> None:
        """The play is over, and the connection is being closed."""

    def play(self, player: Player) -> None:
        """The connection is open: everything from here on is the player's."""
        assert self.connection is not None  # noqa: S101 - it made the handshake
        self.player = player
        self.run(player.opened(time.monotonic()))
        self.run(player.receive(self.connection.events(), time.monotonic()))

    def run(self, commands: Iterable[Command]) -> None:
        """Carry out a player's commands."""
        for command in commands:
            match command:
                case Send(data):
                    self.transport.write(data)
                case SendEof():
                    self._send_eof()
                case WaitUntil(deadline):
                    self.wait(deadline)
                case Done():
                    self.close()
                    self.finished()

    def wait(self, deadline: float) -> None:
        """Be woken at that time by the monotonic clock, and not at any earlier one named."""
        self._cancel_timer()
        loop = asyncio.get_running_loop()
        seconds = max(0.0, deadline - time.monotonic())
        self._timer = loop.call_later(seconds, self._wake, deadline)

    def close(self) -> None:
        """Close after what has been written, and without it when nobody reads that in time."""
        self._cancel_timer()
        if self._closing is None and not self.gone.is_set():
            self.transport.close()
            loop = asyncio.get_running_loop()
            self._closing = loop.call_later(_CLOSE_TIMEOUT, self.transport.abort)

    def timed_out(self, seconds: float) -> None:
        """The time for the opening handshake is over."""
        self.broke_off(f"not done within {seconds:.3g} s")

    # For asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop has classes of its own
        self.transport.set_write_buffer_limits(high=self._write_buffer)
        self.began = time.monotonic()
        self.opens()

    def data_received(self, data: bytes) -> None:
        if self.player is None:
            self.receive(data)
        elif self.connection is not None:
            self.connection.receive_data(data)
            self.run(self.player.receive(self.connection.events(), time.monotonic()))

    def eof_received(self) -> bool:
        if self.player is None:
            self.broke_off("the connection ended first")
            return False
        if self.connection is not None:
            self.connection.receive_eof()
            self.run(self.player.receive(self.connection.events(), time.monotonic()))
        # TLS cannot be closed by halves.
        return self.transport.can_write_eof() and not self.player.done

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        self._cancel_timer()
        if self._closing is not None:
            self._closing.cancel()
        if self.player is None:
            self.broke_off("the connection was lost")
        elif self.connection is not None:
            self.connection.receive_eof()
            self.run(self.player.receive(self.connection.events(), time.monotonic()))
            self.run(self.player.lost())

    def pause_writing(self) -> None:
        if self.player is not None:
            self.player.pause()

    def resume_writing(self) -> None:
        if self.player is not None:
            self.run(self.player.resume(time.monotonic()))

    def _wake(self, deadline: float) -> None:
        # An event loop counts in steps of its own, and may be a little early.
        now = max(time.monotonic(), deadline)
        if self.player is not None:
            self.run(self.player.wake(now))
        else:
            self.timed_out(now - self.began)

    def _send_eof(self) -> None:
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
