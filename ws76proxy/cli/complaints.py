"""What is wrong with files, on standard error: each kind of fault once, then only counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import click

__all__ = ["Complaints"]

_MOST_KINDS = 40
_LONGEST = 500
_NUMBER = re.compile(r"\d+")
_FOUND = re.compile(r"found '.*?'(?=[:; ]|$)|found \".*?\"(?=[:; ]|$)")


class Complaints:
    """Takes a message for each fault, and prints it where it is of a kind that is new.

    Messages are of one kind where they differ in numbers, or in what was found, only. Of more kinds
    than a person reads, the rest is counted too. `before` is called before a line is printed.
    """

    def __init__(self) -> None:
        self.before: Callable[[], None] = lambda: None
        self._kinds: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._others = 0
        self._waiting: list[str] | None = None

    def __call__(self, text: str) -> None:
        """Take one message."""
        kind = _NUMBER.sub("#", _FOUND.sub("found", text))[:_LONGEST]
        if kind in self._kinds:
            self._kinds[kind] += 1
        elif len(self._kinds) < _MOST_KINDS:
            self._kinds[kind] = 1
            self._examples[kind] = text
            self._print(text)
        else:
            self._others += 1

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def hold(self) -> None:
        """Print nothing more for now: somebody else has the terminal."""
        if self._waiting is None:
            self._waiting = []

    def finish(self) -> None:
        """No more will come: print what was held, and how often each kind came again."""
        waiting, self._waiting = self._waiting or [], None
        for text in waiting:
            self._print(text)
        for kind, count in self._kinds.items():
            if count > 1:
                self._print(f"{count - 1:,} more like: {self._examples[kind]}")
        if self._others:
            self._print(f"{self._others:,} more, of other kinds")

    def _print(self, text: str) -> None:
        if self._waiting is not None:
            self._waiting.append(text)
            return
        # Not above: without a fault there is no need of a terminal's library.
        from ws76proxy.console.text import neutral

        line = neutral(" ".join(text.split()))
        self.before()
        click.echo(
            f"ws76proxy: {line if len(line) <= _LONGEST else line[:_LONGEST] + '…'}", err=True
        )
