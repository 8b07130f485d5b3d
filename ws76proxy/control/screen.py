"""The terminal that a prompt and the relay's lines share: one writes, the other is drawn below."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
import termios
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import IO, TextIO, cast

from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.output.vt100 import Vt100_Output

from ws76proxy.errors import UsageError
from ws76proxy.relay.outlet import DEFAULT_OUTLET_LIMIT, Outlet
from ws76proxy.words import in_words

__all__ = ["Screen"]

# Each time the prompt is taken away and drawn again.
_GATHER = 0.05
_AT_ONCE = 65_536
_PATIENCE = 2.0


class Screen:
    """What an `Outlet` is to a terminal without a prompt, for one with a prompt.

    Nothing here waits for the terminal: the lines, and the prompt too, are written by an outlet's
    thread, in the order in which they came. While the terminal is lent (`lent`) to another program,
    lines are kept, `limit` bytes of them; where more come, the oldest are given up, and counted:
    sessions do not wait for somebody who edits.
    """

    def __init__(self, limit: int = DEFAULT_OUTLET_LIMIT) -> None:
        """Raises UsageError where standard input and output are no terminal."""
        # Descriptions of our own: a loop makes what it reads from non-blocking, and with it the
        # standard output, and the input of an editor, which would fail on that.
        self._reading = os.fdopen(_open(sys.__stdin__, os.O_RDONLY), "r")
        self._writing = _Writing(_open(sys.__stdout__, os.O_WRONLY))
        self.encoding = sys.__stdout__.encoding if sys.__stdout__ is not None else "utf-8"
        self._outlet = Outlet(cast("IO[bytes]", self._writing), limit, gather=0.005)
        self._limit = limit
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._begun = b""
        self._lost = 0
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_due = False
        self._is_lent = False
        self._drawing: asyncio.Future[None] | None = None
        self.application: Application[str] | None = None
        """What draws the prompt, while there is one."""
        self.input = Vt100Input(self._reading)
        # Without asking the terminal where its cursor is: a question for each line would be many.
        self.output = Vt100_Output(
            cast("TextIO", _Drawing(self._outlet, self.encoding)),
            self._get_size,
            term=os.environ.get("TERM"),
            enable_cpr=False,
        )

    # As an outlet

    @property
    def is_full(self) -> bool:
        """Whether the terminal is behind."""
        return self._outlet.is_full

    @property
    def is_empty(self) -> bool:
        """Whether all that was taken has been shown."""
        return not self._lines and self._outlet.is_empty

    def start(self, drained: Callable[[], None]) -> None:
        """Begin to write; `drained` is called from the writing thread."""
        self._loop = asyncio.get_running_loop()
        self._outlet.start(drained)

    def write(self, data: bytes) -> None:
        """Take text of whole lines, or of a line that is still to be ended; from any thread."""
        with self._lock:
            self._lines.append(data)
            self._size += len(data)
            if self._is_lent:
                while self._size > self._limit and len(self._lines) > 1:
                    oldest = self._lines.popleft()
                    self._size -= len(oldest)
                    self._lost += oldest.count(b"\n")
                return
            if self._is_due and self._size < _AT_ONCE:
                return
            self._is_due = True
            seconds = 0.0 if self._size >= _AT_ONCE else _GATHER
        # After the loop has ended `stop` writes what is left.
        with contextlib.suppress(RuntimeError):
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._show_later, seconds)

    @property
    def dropped(self) -> int:
        """How many lines could not be written."""
        return self._outlet.dropped + self._lost

    def stop(self) -> None:
        """Write what is left, for some seconds at most."""
        self._is_lent = False
        self._outlet.write(self._take(rest=True))
        self._outlet.stop()

    # Beside the prompt

    @contextlib.asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Another program has the terminal; what comes meanwhile is shown afterwards.

        Not while the prompt is drawn.
        """
        self._write_lines()
        self._is_lent = True
        modes = termios.tcgetattr(self._reading.fileno())
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    # What is still to be written would be written over the other program.
                    while not self._outlet.is_empty:  # noqa: ASYNC110 - a thread does it
                        await asyncio.sleep(0.005)
            yield
        finally:
            # An editor that was ended may have left them as it needed them.
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._reading.fileno(), termios.TCSANOW, modes)
            self._is_lent = False
            self._show()

    @property
    def is_lent(self) -> bool:
        """Whether another program has it."""
        return self._is_lent

    def say(self, text: str) -> None:
        """Show lines of our own."""
        self.write(text.encode(self.encoding, "replace"))

    @contextlib.contextmanager
    def instead_of_standard_output(self) -> Iterator[None]:
        """What anybody prints, to standard error too, is shown above the prompt."""
        paper = cast("TextIO", _Paper(self))
        with contextlib.redirect_stdout(paper), contextlib.redirect_stderr(paper):
            yield

    @property
    def columns(self) -> int:
        """How wide the terminal is."""
        return self._get_size().columns

    def close(self) -> None:
        """Let go of the terminal."""
        self._reading.close()
        if self._outlet.is_empty:
            self._writing.close()
        # Else the thread still hangs in there: the process's end closes it.

    def _get_size(self) -> Size:
        try:
            columns, rows = os.get_terminal_size(self._writing.fileno())
        except (OSError, ValueError):
            columns, rows = 0, 0
        # Of a terminal that does not know its size.
        return Size(rows=rows or 24, columns=columns or 80)

    def _show_later(self, seconds: float) -> None:
        assert self._loop is not None  # noqa: S101 - it calls this
        if seconds:
            self._loop.call_later(seconds, self._show)
        else:
            self._show()

    def _show(self) -> None:
        if self._is_lent or self._drawing is not None:
            # Shown when that is over.
            return
        if self.application is None or not self.application.is_running:
            self._write_lines()
        else:
            self._drawing = asyncio.ensure_future(run_in_terminal(self._write_lines))
            self._drawing.add_done_callback(self._drawn)

    def _drawn(self, _: asyncio.Future[None]) -> None:
        self._drawing = None
        if self._lines:
            self._show()

    def _write_lines(self) -> None:
        self._outlet.write(self._take())

    def _take(self, *, rest: bool = False) -> bytes:
        with self._lock:
            self._is_due = False
            text = self._begun + b"".join(self._lines)
            self._lines.clear()
            self._size = 0
            lost, self._lost = self._lost, 0
            # A prompt cannot be drawn behind a line that has no end yet.
            end = len(text) if rest else text.rfind(b"\n") + 1
            self._begun = text[end:]
        if lost:
            note = f"({lost:,} lines were not kept while another program had the terminal)\n"
            return note.encode(self.encoding, "replace") + text[:end]
        return text[:end]


class _Drawing:
    """Where prompt_toolkit writes. It has no number: nobody is to change how it blocks."""

    def __init__(self, outlet: Outlet, encoding: str) -> None:
        self._outlet = outlet
        self.encoding = encoding

    def write(self, text: str) -> int:
        self._outlet.write(text.encode(self.encoding, "replace"))
        return len(text)

    def flush(self) -> None:
        """The outlet's thread flushes."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise io.UnsupportedOperation("written by a thread")


class _Paper(io.TextIOBase):
    """Standard output and error, for as long as there is a prompt."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._screen.encoding

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        assert sys.__stdout__ is not None  # noqa: S101 - it is a terminal
        return sys.__stdout__.fileno()

    def write(self, text: str) -> int:
        self._screen.say(text)
        return len(text)

    def flush(self) -> None:
        """The screen writes soon enough."""


class _Writing:
    """A file without a lock: at the end nobody waits for a thread that waits for the terminal."""

    def __init__(self, number: int) -> None:
        self._number = number

    def write(self, data: bytes) -> int:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._number, rest) :]
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def fileno(self) -> int:
        return self._number

    def close(self) -> None:
        os.close(self._number)


def _open(file: TextIO | None, how: int) -> int:
    """The terminal that a standard file is, opened once more: its number."""
    if file is None or not file.isatty():
        raise UsageError(
            "found standard input or output that is no terminal; expected a terminal for a prompt"
        )
    faults = []
    # The second way: of a terminal that belongs to another user, as after su.
    for path in (os.ttyname(file.fileno()), "/dev/tty"):
        try:
            return os.open(path, how | os.O_NOCTTY)
        except OSError as error:
            faults.append(f"{path}: {in_words(error)}")
    raise UsageError(f"found a terminal that cannot be opened ({'; '.join(faults)})")
