"""The options by which somebody decides about held messages, for commands that relay."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ws76proxy.cli.given import refuse_given
from ws76proxy.cli.types import SIZE, TIMEOUT
from ws76proxy.control.breakpoints import Breakpoints, Interceptor
from ws76proxy.control.server import ControlLimits, ControlServer
from ws76proxy.control.sockets import private_socket
from ws76proxy.errors import UsageError

if TYPE_CHECKING:
    from ws76proxy.control.screen import Screen

__all__ = ["Control", "ControlOptions", "control_options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlOptions:
    """How held messages are decided about. `pause_timeout`: seconds that one waits at most."""

    path: Path | None
    interactive: bool
    pause_timeout: float
    limits: ControlLimits

    @property
    def asks(self) -> bool:
        """Whether there is anybody who could be asked."""
        return self.interactive or self.path is not None


_OPTIONS = [
    click.option(
        "--interactive",
        is_flag=True,
        help="Decide about messages that a rule pauses at a prompt in this terminal.",
    ),
    click.option(
        "--control",
        "control_path",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Let programs, and ws76proxy held, decide over a Unix socket at PATH.",
    ),
    click.option(
        "--pause-timeout",
        type=TIMEOUT,
        default=300.0,
        show_default=True,
        help="After so many seconds without a decision a paused message goes on as it is.",
    ),
    click.option(
        "--control-clients",
        type=click.IntRange(1),
        default=16,
        show_default=True,
        help="How many may be connected to --control at once.",
    ),
    click.option(
        "--control-line",
        type=SIZE,
        default="64MiB",
        show_default=True,
        help="Of a longer line to --control nothing is read.",
    ),
    click.option(
        "--control-buffer",
        type=SIZE,
        default="8MiB",
        show_default=True,
        help="A client of --control that leaves more events unread is dropped.",
    ),
]


def control_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; its function gets them as one argument, `control`."""

    @functools.wraps(command)
    def wrapped(
        *,
        interactive: bool,
        control_path: Path | None,
        pause_timeout: float,
        control_clients: int,
        control_line: int,
        control_buffer: int,
        **others: Any,
    ) -> Any:
        if interactive and others.get("as_json"):
            raise click.UsageError("found both --interactive and --json; expected one of them")
        if interactive and not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise click.UsageError(
                "found --interactive without a terminal; expected standard input and output on one"
            )
        if control_path is None:
            refuse_given("control_", "without --control; expected both")
            if not interactive:
                refuse_given("pause_timeout", "without --control or --interactive; expected both")
        limits = ControlLimits(clients=control_clients, line=control_line, waiting=control_buffer)
        control = ControlOptions(
            path=control_path, interactive=interactive, pause_timeout=pause_timeout, limits=limits
        )
        return command(control=control, **others)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


class Control:
    """What the options ask for, around one relay.

    `screen` is where the relay prints when there is a prompt; `breakpoints` listens to its records.
    """

    def __init__(self, options: ControlOptions, *, quiet: bool, show_secrets: bool) -> None:
        """Raises UsageError where a prompt is wanted and there is no terminal."""
        self.options = options
        self.breakpoints = Breakpoints(show_secrets=show_secrets)
        self.screen: Screen | None = None
        self._quiet = quiet
        self._server: ControlServer | None = None
        if options.interactive:
            # Not above: without a prompt there is no need of a terminal's library.
            from ws76proxy.control.screen import Screen

            self.screen = Screen()

    @contextlib.asynccontextmanager
    async def reserved(self) -> AsyncIterator[None]:
        """Have the socket's path and the terminal, from before the relay begins to after its end.

        Raises UsageError where the path cannot be had.
        """
        async with contextlib.AsyncExitStack() as stack:
            if self.screen is not None:
                stack.callback(self.screen.close)
            if self.options.path is not None:
                try:
                    listener = stack.enter_context(private_socket(self.options.path))
                except UsageError as error:
                    raise click.UsageError(f"--control {error}") from None
                server = ControlServer(listener, self.breakpoints, self.options.limits)
                self._server = await stack.enter_async_context(server)
            yield

    @contextlib.asynccontextmanager
    async def deciding(self, relay: Interceptor) -> AsyncIterator[None]:
        """Let people and programs decide about what this relay holds."""
        self.breakpoints.relay = relay
        if self._server is not None:
            await self._server.begin()
        if self.screen is None:
            yield
            return
        async with self._prompting(self.screen):
            yield

    @property
    def spares_interrupts(self) -> bool:
        """Whether Ctrl-C is meant for another program, an editor, just now."""
        return self.screen is not None and self.screen.is_lent

    @contextlib.asynccontextmanager
    async def _prompting(self, screen: Screen) -> AsyncIterator[None]:
        from ws76proxy.control.prompt import Prompt

        prompt = Prompt(self.breakpoints, screen, announce=self._quiet, quit=_interrupt)
        task = asyncio.create_task(prompt.run())
        # A prompt that fails ends the relay, and what it failed of is said.
        task.add_done_callback(_stop_on_failure)
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def _interrupt() -> None:
    # As Ctrl-C would without a prompt: the first stops in order, a second at once.
    signal.raise_signal(signal.SIGINT)


def _stop_on_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _interrupt()
