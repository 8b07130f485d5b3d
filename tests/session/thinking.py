"""Scripts for the transcripts: those that return at once, and those that wait for something."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ws76proxy.scripting import Script

from .playbook import Play, in_words

__all__ = ["Case", "Gate", "later", "script", "words"]


class Gate:
    """What a script waits for."""

    def __init__(self) -> None:
        self.is_open = False

    def __await__(self) -> Any:
        while not self.is_open:
            yield


def script(name: str = "edit.py", **functions: Callable[[Any], object]) -> Script:
    """A script of these functions."""
    return Script(name, name, **functions)


def later(function: Callable[[Any], None], gate: Gate) -> Callable[[Any], Awaitable[None]]:
    """The same function, that first waits for the gate."""

    async def waits(subject: Any) -> None:
        await gate
        function(subject)

    return waits


class Case:
    """A script's functions, at once or later."""

    def __init__(self, *, is_async: bool) -> None:
        self.gate = Gate()
        self.is_async = is_async

    def script(self, **functions: Callable[[Any], None]) -> list[Script]:
        """One script."""
        made: dict[str, Any] = dict(functions)
        if self.is_async:
            made = {key: later(one, self.gate) for key, one in functions.items()}
        return [script(**made)]

    def goes_on(self, play: Play) -> None:
        """The gate opens."""
        self.gate.is_open = True
        play.scripts_go_on()


def words(play: Play) -> list[str]:
    """Everything that was told."""
    return [in_words(one) for one in play.records]
