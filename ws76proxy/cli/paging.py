"""How much text leaves on standard output: through a pager where a person would need one."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator
from itertools import chain

import click

__all__ = ["Reader", "print_all"]


def print_all(
    chunks: Iterator[str],
    encoding: str,
    *,
    pager: bool = False,
    before: Callable[[], None] = lambda: None,
) -> None:
    """Write texts as they come. A reader that has gone ends it quietly.

    `pager`: where a terminal reads, what is longer than its screen goes through one.
    `before` is called before a terminal gets anything.
    Raises ClickException where standard output cannot be written to.
    """
    if sys.stdout.isatty():
        if pager and sys.stdin.isatty():
            beginning, fits = _first_screen(chunks)
            if not fits:
                before()
                click.echo_via_pager(chain([beginning], chunks))
                return
            chunks = iter([beginning])
        chunks = _announced(chunks, before)
    try:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk.encode(encoding, "replace"))
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        _forget_reader()
    except OSError as error:
        _forget_reader()
        raise click.ClickException(f"cannot write to standard output: {error.strerror}") from None


def _announced(chunks: Iterator[str], before: Callable[[], None]) -> Iterator[str]:
    for number, chunk in enumerate(chunks):
        if not number:
            before()
        yield chunk


def _first_screen(chunks: Iterator[str]) -> tuple[str, bool]:
    """The texts that fill a screen, or all of them; and whether they are all and fit."""
    size = os.get_terminal_size(sys.stdout.fileno())
    height, width = max(size.lines, 2), max(size.columns, 1)
    beginning: list[str] = []
    rows = 0
    for chunk in chunks:
        beginning.append(chunk)
        for line in click.unstyle(chunk).split("\n")[:-1]:
            rows += max(-(-len(line) // width), 1)
        if rows >= height:
            return "".join(beginning), False
    return "".join(beginning), True


def _forget_reader() -> None:
    """Python would write what is left when it ends, and complain."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


class Reader:
    """Whoever reads standard output, asked while there is nothing to write."""

    def __init__(self) -> None:
        self._poll = select.poll()
        # No event is asked for: errors and a reader that has gone are told all the same.
        self._poll.register(sys.stdout.fileno(), 0)

    def waits(self, seconds: float) -> bool:
        """Wait for so long; return whether somebody still reads."""
        return not self._poll.poll(seconds * 1000)
