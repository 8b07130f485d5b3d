"""A loaded script, and what is told when one of its functions fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

__all__ = [
    "FUNCTIONS",
    "Function",
    "Script",
    "ScriptFault",
    "in_words",
    "line_of",
    "line_of_function",
]

Function = Literal["on_request", "on_response", "on_message", "on_close"]
FUNCTIONS: tuple[Function, ...] = get_args(Function)
_MOST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Script:
    """The functions of a script: None where it has none of that name.

    `name` is what records call it, `file` the name of the file that its code was compiled from.
    """

    name: str
    file: str
    on_request: Callable[[Any], object] | None = None
    on_response: Callable[[Any], object] | None = None
    on_message: Callable[[Any], object] | None = None
    on_close: Callable[[Any], object] | None = None


class ScriptFault(NamedTuple):
    """A function of a script has failed; what it was about goes on as if it had not been called.

    `line` is in the script's file, 0 where nothing says which. `times`: how often it has
    failed there in this session. From the tenth time on only the 10th, 100th, 1,000th, … is told.
    """

    script: str
    line: int
    function: Function
    text: str
    times: int = 1

    def __str__(self) -> str:
        times = f" ({self.times:,} times so far)" if self.times > 1 else ""
        place = f"{self.script}:{self.line}" if self.line else self.script
        return f"{place}: {self.function}: {self.text}{times}"


def line_of(error: BaseException, file: str) -> int:
    """The line in a script's file that an exception went through last, or 0.

    For a time that was over it is the line that waited.
    """
    line = 0
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    if not line and error.__cause__ is not None:
        return line_of(error.__cause__, file)
    return line


def line_of_function(function: object) -> int:
    """Where a function begins, or 0."""
    code = getattr(function, "__code__", None)
    return getattr(code, "co_firstlineno", 0)


def in_words(error: BaseException) -> str:
    """An exception's kind and text, in one line that is not too long; it may fail even in that."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - a script's exception can do anything
        text = "(its text cannot be had)"
    kind = type(error).__name__
    return f"{kind}: {text[:_MOST_TEXT]}" if text else kind
