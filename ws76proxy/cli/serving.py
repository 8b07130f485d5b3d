"""What commands that serve share: the event loop, signals, limits, and where records go."""

from __future__ import annotations

import asyncio
import contextlib
import io
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import IO, TYPE_CHECKING, Any, Literal, cast

import click

if TYPE_CHECKING:
    from ws76proxy.console import Console
    from ws76proxy.control.screen import Screen

from ws76proxy.endpoint import in_text
from ws76proxy.record import AnyRecord, Messages
from ws76proxy.relay import Relay, RelayOptions
from ws76proxy.relay.outlet import JsonLines, Listener, Outlet
from ws76proxy.session import Editing
from ws76proxy.words import in_words

__all__ = ["Stopped", "listening", "output", "raise_file_limit", "run", "until_stopped"]

_COMPLAINTS = 100


def run(
    work: Coroutine[Any, Any, None], loop_name: Literal["auto", "asyncio", "uvloop"] = "auto"
) -> None:
    """Run a command's coroutine on the loop that the user wants."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if loop_name != "asyncio":
        try:
            import uvloop

            factory = uvloop.new_event_loop
        except ImportError:
            if loop_name == "uvloop":
                work.close()
                raise click.UsageError(
                    "--loop uvloop: uvloop is not installed; expected pip install 'ws76proxy[fast]'"
                ) from None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.get_loop().set_exception_handler(_complainer())
        runner.run(work)


def _complainer() -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """What a loop says when, for instance, no more files may be opened: one line, and once."""
    said: set[str] = set()

    def complain(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        text = context["message"] if error is None else f"{context['message']}: {error!r}"
        if text not in said and len(said) < _COMPLAINTS:
            said.add(text)
            click.echo(f"ws76proxy: {text}", err=True)

    return complain


@contextlib.asynccontextmanager
async def listening(
    options: RelayOptions,
    listeners: list[Listener],
    editing: Editing | None = None,
    *,
    numbers: Iterator[int] | None = None,
) -> AsyncIterator[Relay]:
    """A relay that serves, or one line that says why it cannot listen."""
    relay = Relay(options, listeners, editing, numbers=numbers)
    try:
        await relay.__aenter__()
    except (OSError, UnicodeError) as error:
        where = in_text(options.host, options.port)
        raise click.ClickException(f"cannot listen on {where}: {in_words(error)}") from None
    try:
        yield relay
    finally:
        await relay.__aexit__()


class Stopped(asyncio.Event):
    """Set by a signal; `by` says which."""

    def __init__(self) -> None:
        super().__init__()
        self.by: signal.Signals | None = None

    def stop(self, by: signal.Signals) -> None:
        """Set it, as this signal does."""
        if not self.is_set():
            self.by = by
            self.set()


@contextlib.asynccontextmanager
async def until_stopped(
    spares_interrupts: Callable[[], bool] = lambda: False,
) -> AsyncIterator[Stopped]:
    """An event that SIGINT and SIGTERM set. A second signal ends the process at once.

    `spares_interrupts`: whether a SIGINT is meant for another program in the terminal.
    """
    stopped = Stopped()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def stop(number: signal.Signals) -> None:
        if number is signal.SIGINT and spares_interrupts():
            return
        stopped.stop(number)
        for number in signals:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in signals:
        loop.add_signal_handler(number, stop, number)
    try:
        yield stopped
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def raise_file_limit(wanted: int) -> None:
    """Let this process open as many files as it may need, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = wanted + 64
    if hard != resource.RLIM_INFINITY:
        enough = min(enough, hard)
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))


def output(
    *,
    quiet: bool,
    verbose: bool,
    as_json: bool,
    show_secrets: bool,
    screen: Screen | None = None,
    file: IO[bytes] | None = None,
) -> tuple[list[Listener], bool, bool]:
    """Who listens to the records, and whether to messages and to checks that passed.

    `screen`: the terminal, where it is shared with a prompt. `file` is what takes the place of
    standard output's.
    """
    outlet = screen or Outlet(sys.stdout.buffer if file is None else file)
    if isinstance(outlet, Outlet) and as_json:
        return [JsonLines(outlet, show_secrets=show_secrets)], True, True
    # Not above: JSON Lines have no use for a terminal library.
    from rich.console import Console as RichConsole

    from ws76proxy.console import Console

    level: Literal["quiet", "normal", "verbose"] = "normal"
    if quiet or verbose:
        level = "quiet" if quiet else "verbose"
    terminal = _Terminal(outlet)
    # Rich asks the real terminal for its width; ours is only the way there.
    rich_console = RichConsole(file=cast("IO[str]", terminal), highlight=False)
    console = Console(rich_console, level=level, show_secrets=show_secrets)
    return [_OnScreen(console, outlet)], not quiet, not quiet


class _Terminal(io.TextIOBase):
    """Standard output as Rich sees it, written by the outlet's thread."""

    def __init__(self, outlet: Outlet | Screen) -> None:
        self._outlet = outlet

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return sys.stdout.encoding

    def isatty(self) -> bool:
        return sys.stdout.isatty()

    def fileno(self) -> int:
        return sys.stdout.fileno()

    def write(self, text: str) -> int:
        self._outlet.write(text.encode(self.encoding, "replace"))
        return len(text)

    def flush(self) -> None:
        """The outlet's thread flushes."""


class _OnScreen:
    """The console as a listener of the relay."""

    name = "output"

    def __init__(self, console: Console, outlet: Outlet | Screen) -> None:
        self._outlet = outlet
        self._console = console
        self.tell: Callable[[AnyRecord | Messages], None] = console.tell
        self.settle = console.settle
        self.start = outlet.start
        self.wants_messages = console.wants_messages

    @property
    def is_full(self) -> bool:
        """Whether the terminal is behind."""
        return self._outlet.is_full

    @property
    def dropped(self) -> int:
        """How many lines have not been shown."""
        return self._outlet.dropped

    def complaints(self) -> list[AnyRecord]:
        """None: a terminal that is gone cannot be told."""
        return []

    def stop(self) -> None:
        """Show what was still being gathered, and write what is left."""
        self._console.finish()
        self._outlet.stop()
