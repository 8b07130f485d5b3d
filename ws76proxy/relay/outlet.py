"""Where records leave the process: bounded, and by a thread, so that no reader can stall us."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import IO, Protocol

import msgspec

from ws76proxy.record import AnyRecord, Messages
from ws76proxy.redaction import redact

__all__ = ["DEFAULT_OUTLET_LIMIT", "JsonLines", "Listener", "Outlet"]

DEFAULT_OUTLET_LIMIT = 4 * 1024 * 1024


class Listener(Protocol):
    """Somebody whom a relay tells its records."""

    @property
    def wants_messages(self) -> bool:
        """Whether it has any use for `Messages`."""

    @property
    def is_full(self) -> bool:
        """Whether sessions should wait before they tell more."""

    def start(self, drained: Callable[[], None]) -> None:
        """Begin; `drained` is to be called, from any thread, when there is room again."""

    def tell(self, record: AnyRecord | Messages) -> None:
        """Take a record. Must not block."""

    def settle(self) -> None:
        """A batch is complete."""

    def complaints(self) -> list[AnyRecord]:
        """What it has to say itself, once: asked for after it has called `drained`."""

    def stop(self) -> None:
        """Write what is left, in bounded time."""


class Outlet:
    """Bytes for a file that may be slow: a terminal, a pipe.

    `write` never blocks. What comes within `gather` seconds is written in one go. Above `limit`
    bytes waiting `is_full` is true until half of them are gone. When the file breaks (its reader
    has gone), what comes after is dropped, `broken` says why, and `dropped` how many lines.
    """

    def __init__(
        self, file: IO[bytes], limit: int = DEFAULT_OUTLET_LIMIT, gather: float = 0.02
    ) -> None:
        self._file = file
        self._limit = limit
        self._gather = gather
        self._waiting: list[bytes] = []
        self._size = 0
        self._lock = threading.Lock()
        self._something = threading.Event()
        self._hurry = threading.Event()
        self._stopping = False
        self._drained: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._work, name="outlet", daemon=True)
        self.is_full = False
        self.broken: str | None = None
        self._refused = 0
        self._lost = 0

    @property
    def dropped(self) -> int:
        """How many lines have not been written, since the file broke."""
        # One figure for each thread.
        return self._refused + self._lost

    def start(self, drained: Callable[[], None]) -> None:
        """Begin to write; `drained` is called from the writing thread."""
        self._drained = drained
        self._thread.start()

    @property
    def is_empty(self) -> bool:
        """Whether all that was taken has been written."""
        return not self._size

    def write(self, data: bytes) -> None:
        """Take bytes to write."""
        if self.broken is not None:
            self._refused += data.count(b"\n")
            return
        if not data:
            return
        with self._lock:
            first = not self._waiting
            self._waiting.append(data)
            self._size += len(data)
            if self._size > self._limit:
                self.is_full = True
                self._hurry.set()
        if first:
            self._something.set()

    def stop(self, seconds: float = 5.0) -> None:
        """Write what waits, for so long at most."""
        self._stopping = True
        self._hurry.set()
        self._something.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            self._something.wait()
            # A wake-up for each record would cost more than the records do.
            self._hurry.wait(self._gather)
            with self._lock:
                batch = b"".join(self._waiting)
                self._waiting.clear()
                if not self._stopping:
                    self._something.clear()
                    self._hurry.clear()
            if not batch and self._stopping:
                return
            try:
                self._file.write(batch)
                self._file.flush()
            except (OSError, ValueError) as error:
                self.broken = str(error)
                self._lost += batch.count(b"\n")
            with self._lock:
                self._size -= len(batch)
                ready = self.is_full and self._size <= self._limit // 2
                if ready:
                    self.is_full = False
            if ready:
                self._drained()


class JsonLines:
    """Each record as a line of JSON."""

    wants_messages = True
    name = "output"

    def __init__(self, outlet: Outlet, *, show_secrets: bool) -> None:
        self._outlet = outlet
        self._show_secrets = show_secrets
        self._encoder = msgspec.json.Encoder()
        self.start = outlet.start
        self.stop = outlet.stop

    @property
    def is_full(self) -> bool:
        """Whether the file's reader is behind."""
        return self._outlet.is_full

    @property
    def dropped(self) -> int:
        """How many records have not been written."""
        return self._outlet.dropped

    def tell(self, record: AnyRecord | Messages) -> None:
        """Write a record, or a line for each of a run of messages."""
        if isinstance(record, Messages):
            self._outlet.write(self._encoder.encode_lines(record.lines()))
        else:
            shown = record if self._show_secrets else redact(record)
            self._outlet.write(self._encoder.encode(shown) + b"\n")

    def settle(self) -> None:
        """Nothing is kept back."""

    def complaints(self) -> list[AnyRecord]:
        """None: whoever does not read any more, does not."""
        return []
