"""`ws76proxy held`: decide about the messages that a running relay holds, from another terminal."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import msgspec
import rich.console

from ws76proxy.cli import fail
from ws76proxy.cli.types import TIMEOUT
from ws76proxy.console.ink import Ink
from ws76proxy.control.client import ControlClient, ControlError
from ws76proxy.control.editor import EditorError, edit
from ws76proxy.control.lines import gone_line, held_lines, session_lines, shown_lines
from ws76proxy.control.messages import (
    AnyAnswer,
    ErrorAnswer,
    GoneEvent,
    HeldMessage,
    RecordEvent,
    RefusedError,
    WaitingEvent,
    WatchingAnswer,
)

__all__ = ["command"]

_Thing = TypeVar("_Thing", bound=msgspec.Struct)


@click.group("held")
def command() -> None:
    """Decide about the messages that a relay holds.

    A rule with the action `pause` makes a message wait. `ws76proxy relay --control PATH` lets these
    commands find it.
    """


_CONTROL = click.option(
    "--control",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    envvar="WS76PROXY_CONTROL",
    show_envvar=True,
    metavar="PATH",
    help="The socket of the relay.",
)
_TIMEOUT = click.option(
    "--timeout",
    type=TIMEOUT,
    default=10.0,
    show_default=True,
    help="How long the relay may take to answer.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")


def _asking(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that all have."""
    return _CONTROL(_TIMEOUT(function))


@contextlib.contextmanager
def _relay(path: Path, timeout: float) -> Iterator[ControlClient]:
    """The relay at a path; what goes wrong with it ends the command."""
    try:
        with ControlClient(path, timeout) as client:
            yield client
    except (ControlError, EditorError) as error:
        fail(str(error))
    except RefusedError as refusal:
        _refused(refusal)


def _refused(refusal: RefusedError) -> NoReturn:
    if refusal.code == "bad-name":
        raise click.UsageError(str(refusal))
    fail(str(refusal))


class _Output:
    """Where these commands print: on a terminal no wider than it, else nothing is cut."""

    def __init__(self) -> None:
        console = rich.console.Console(highlight=False)
        self.ink = Ink.of(console)
        self.width = console.width if console.is_terminal else 1_000_000

    def write(self, text: str) -> None:
        encoding = sys.stdout.encoding
        click.echo(text.encode(encoding, "replace").decode(encoding), nl=False)


def _print(
    things: Sequence[_Thing],
    lines: Callable[[Ink, int, Sequence[_Thing]], Iterable[str]],
    *,
    as_json: bool,
) -> None:
    """Print things, each as a line of JSON or all as what `lines` makes of them."""
    if as_json:
        for thing in things:
            click.echo(msgspec.json.encode(thing))
        return
    output = _Output()
    for text in lines(output.ink, output.width, things):
        output.write(text)


def _list_lines(ink: Ink, width: int, messages: Iterable[HeldMessage]) -> Iterator[str]:
    return (held_lines(ink, width, message) for message in messages)


def _shown_lines(ink: Ink, width: int, messages: Iterable[HeldMessage]) -> Iterator[str]:
    for message in messages:
        yield from shown_lines(ink, width, message)


@command.command("list")
@_asking
@_JSON
def list_command(path: Path, timeout: float, as_json: bool) -> None:
    """List the messages that wait, each with the beginning of its content."""
    with _relay(path, timeout) as relay:
        messages = relay.held()
    _print(messages, _list_lines, as_json=as_json)


@command.command("show")
@click.argument("name")
@_asking
@_JSON
def show_command(name: str, path: Path, timeout: float, as_json: bool) -> None:
    """Print all of the message NAME: into a pipe or file its very bytes, and nothing else."""
    with _relay(path, timeout) as relay:
        message = relay.show(name)
    if as_json or sys.stdout.isatty():
        _print([message], _shown_lines, as_json=as_json)
    else:
        click.echo(_content(message), nl=False)


@command.command("release")
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--all", "all_of_them", is_flag=True, help="All that wait now.")
@_asking
def release_command(names: tuple[str, ...], all_of_them: bool, path: Path, timeout: float) -> None:
    """Let messages go on as they are. A NAME is as in the list, such as 3.17."""
    _check_names(names, all_of_them)
    with _relay(path, timeout) as relay:
        _decide(relay, names, relay.release)


@command.command("drop")
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--all", "all_of_them", is_flag=True, help="All that wait now.")
@_asking
def drop_command(names: tuple[str, ...], all_of_them: bool, path: Path, timeout: float) -> None:
    """Let messages not go on at all."""
    _check_names(names, all_of_them)
    with _relay(path, timeout) as relay:
        _decide(relay, names, relay.drop)


def _check_names(names: tuple[str, ...], all_of_them: bool) -> None:
    if bool(names) == all_of_them:
        found = "both a NAME and --all" if names else "neither a NAME nor --all"
        raise click.UsageError(f"found {found}; expected one of them")


def _decide(relay: ControlClient, names: tuple[str, ...], decide: Callable[[str], None]) -> None:
    refusals = []
    for name in names or [message.name for message in relay.held()]:
        try:
            decide(name)
        except RefusedError as refusal:
            # Of all that wait, one may have gone on meanwhile.
            if names:
                refusals.append(refusal)
    for other in refusals[1:]:
        click.echo(f"ws76proxy held: {other}", err=True)
    if refusals:
        _refused(refusals[0])


@command.command("edit")
@click.argument("name")
@click.option("--text", help="The new content.")
@click.option(
    "--file",
    type=click.File("rb"),
    metavar="FILE",
    help="The new content is that of FILE, to the byte; -: of standard input.",
)
@_asking
def edit_command(name: str, text: str | None, file: Any, path: Path, timeout: float) -> None:
    """Let the message NAME go on with another content: without --text and --file, edit it.

    $VISUAL, $EDITOR or vi is run. An editor that fails, an empty file and an unchanged one leave
    the message waiting.
    """
    if text is not None and file is not None:
        raise click.UsageError("found both --text and --file; expected one of them")
    content = None
    if text is not None:
        content = text.encode(errors="surrogateescape")
    elif file is not None:
        content = file.read()
    if content is None:
        # Not while connected: an editor takes its time.
        with _relay(path, timeout) as relay:
            before = _content(relay.show(name))
        try:
            content = asyncio.run(edit(before, name))
        except EditorError as error:
            fail(f"{error}: nothing changes, and {name} waits as before")
        if content == before:
            fail(f"{name} is unchanged, and waits as before")
    with _relay(path, timeout) as relay:
        relay.edit(name, content)


@command.command("watch")
@click.option("--records", is_flag=True, help="Tell every record too, as the relay's --json does.")
@_asking
@_JSON
def watch_command(records: bool, path: Path, timeout: float, as_json: bool) -> None:
    """Print what waits and, as it happens, what begins to wait and what goes on; until the end.

    With --json the lines are those of the control protocol; records are told there only.
    """
    if records and not as_json:
        raise click.UsageError("found --records without --json; expected both")
    output = _Output()
    with _relay(path, timeout) as relay:
        for line in relay.watch(records=records):
            if as_json:
                click.echo(line)
            else:
                _print_event(output, line)


def _print_event(output: _Output, line: bytes) -> None:
    event = msgspec.json.decode(line, type=AnyAnswer)
    match event:
        case WatchingAnswer():
            for text in _list_lines(output.ink, output.width, event.messages):
                output.write(text)
        case WaitingEvent():
            output.write(held_lines(output.ink, output.width, event.message))
        case GoneEvent():
            output.write(gone_line(output.ink, event))
        case ErrorAnswer():
            raise RefusedError(event.code, event.found, event.expected)
        case RecordEvent():
            pass


@command.command("sessions")
@_asking
@_JSON
def sessions_command(path: Path, timeout: float, as_json: bool) -> None:
    """List the sessions that are open, and how many messages wait in each."""
    with _relay(path, timeout) as relay:
        sessions = relay.sessions()
    _print(sessions, session_lines, as_json=as_json)


def _content(message: HeldMessage) -> bytes:
    return message.text.encode() if message.payload is None else message.payload
