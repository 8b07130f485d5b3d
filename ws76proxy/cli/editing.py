"""The options of rules and scripts, for every command whose sessions can be changed."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Literal

import click

from ws76proxy.cli.types import SECONDS, SIZE
from ws76proxy.editing import EditingOptions, RuleFiles
from ws76proxy.record import NoticeRecord
from ws76proxy.relay import Relay

__all__ = ["editing_options", "watching"]

_FILE = click.Path(path_type=Path)
_OPTIONS = [
    click.option(
        "--rules",
        "rule_files",
        type=_FILE,
        multiple=True,
        metavar="FILE",
        help="Change what passes as the rules in this TOML file say; read anew when it changes."
        " Repeatable.",
    ),
    click.option(
        "--rewrite",
        "rewrites",
        multiple=True,
        metavar="/[SIDE/]REGEX/TEXT",
        help="In messages of one side (client or server), or of both, put TEXT for what matches."
        " Repeatable; behind all rules of files.",
    ),
    click.option(
        "--script",
        "script_files",
        type=_FILE,
        multiple=True,
        metavar="FILE",
        help="Show requests, answers and messages to the functions of this Python file, which may"
        " change them. Repeatable; behind all rules.",
    ),
    click.option(
        "--script-errors",
        type=click.Choice(["pass", "close"]),
        default="pass",
        show_default=True,
        help="What an exception in a script does: what it was shown passes unchanged, or the"
        " session is closed too.",
    ),
    click.option(
        "--script-timeout",
        type=SECONDS,
        default=30.0,
        show_default=True,
        help="How long an asynchronous function of a script may take; 0: as long as it likes.",
    ),
    click.option(
        "--max-held",
        type=SIZE,
        default="16MiB",
        show_default=True,
        help="What may be held back of one side before it is not read any more.",
    ),
]


@contextlib.asynccontextmanager
async def watching(rules: RuleFiles | None, relay: Relay) -> AsyncIterator[None]:
    """Read rule files anew when they change; what becomes of it is told like all else."""
    if rules is None:
        yield
        return

    def tell(text: str, *, is_fault: bool) -> None:
        level: Literal["info", "warning"] = "warning" if is_fault else "info"
        relay.tell_all(NoticeRecord(session=0, time=0.0, level=level, text=text))

    task = asyncio.create_task(rules.watch(tell))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def editing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; its function gets them as one argument, `editing`."""

    @functools.wraps(command)
    def wrapped(
        *,
        rule_files: tuple[Path, ...],
        rewrites: tuple[str, ...],
        script_files: tuple[Path, ...],
        script_errors: Literal["pass", "close"],
        script_timeout: float,
        max_held: int,
        **others: Any,
    ) -> Any:
        editing = EditingOptions(
            rule_files=rule_files,
            rewrites=rewrites,
            script_files=script_files,
            script_errors=script_errors,
            script_timeout=script_timeout,
            max_held=max_held,
        )
        return command(editing=editing, **others)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
