"""The options of `--record`, for every command that can record."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from ws76proxy.cli.given import refuse_given
from ws76proxy.cli.types import LIMIT, SECONDS
from ws76proxy.endpoint import Endpoint
from ws76proxy.recording.writer import Recorder, RecordingOptions

__all__ = ["record_options", "recorder_of"]


_OPTIONS = [
    click.option(
        "--record",
        "record_path",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Record all sessions: into the file PATH where it ends in .jsonl, else one file each"
        " in the folder PATH.",
    ),
    click.option(
        "--record-secrets",
        is_flag=True,
        help="Record cookies, authorization and tokens in addresses too.",
    ),
    click.option(
        "--record-limit",
        type=LIMIT,
        default="1GiB",
        show_default=True,
        help="Of a session that is larger no further messages are recorded; 0: no limit.",
    ),
    click.option(
        "--record-total",
        type=LIMIT,
        default="16GiB",
        show_default=True,
        help="How large all files of this run may become together; 0: no limit.",
    ),
    click.option(
        "--record-when-full",
        type=click.Choice(["stop", "remove-oldest"]),
        default="stop",
        show_default=True,
        help="At --record-total: record no more, or remove the oldest files of this run.",
    ),
    click.option(
        "--record-rotate-size",
        type=LIMIT,
        default="0",
        help="Begin another file when one has this size.  [default: never]",
    ),
    click.option(
        "--record-rotate-age",
        type=SECONDS,
        default=0.0,
        help="Begin another file when one is so many seconds old.  [default: never]",
    ),
]


def record_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; its function gets them as one argument, `recording`: None where
    nothing is to be recorded."""

    @functools.wraps(command)
    def wrapped(
        *,
        record_path: Path | None,
        record_secrets: bool,
        record_limit: int,
        record_total: int,
        record_when_full: Literal["stop", "remove-oldest"],
        record_rotate_size: int,
        record_rotate_age: float,
        **others: Any,
    ) -> Any:
        recording: RecordingOptions | None = None
        if record_path is None:
            refuse_given("record_", "without --record; expected both")
        else:
            recording = RecordingOptions(
                path=record_path,
                secrets=record_secrets,
                session_limit=record_limit,
                total_limit=record_total,
                when_full=record_when_full,
                rotate_size=record_rotate_size,
                rotate_age=record_rotate_age,
            )
        return command(recording=recording, **others)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def recorder_of(
    options: RecordingOptions | None, listener: Endpoint, upstream: Endpoint
) -> Recorder | None:
    """The recorder that the user wants, or None. Raises RecordingError where it cannot write."""
    if options is None:
        return None
    # Of port 0 each session says what it became.
    where = str(listener) if listener.port else None
    return Recorder(options, vantage="relay", listener=where, upstream=str(upstream))
