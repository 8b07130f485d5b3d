"""Many messages shown to functions that return at once: here each nanosecond counts."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from sys import getrefcount
from typing import Any, NamedTuple

from ws76proxy.scripting.deeds import Deed, Side
from ws76proxy.scripting.message import Edit, Message
from ws76proxy.scripting.session import Session

__all__ = ["Burst", "Step", "Stop", "Waiting", "edit_all"]

Waiting = Coroutine[Any, Any, None]
"""What is left to do: await it, once."""


@dataclass(slots=True)
class Burst:
    """What became of the messages of a burst, in order, up to the end or to where it stopped.

    `contents` are the payloads that go on, with nothing to do between them; `originals` are the
    same messages as they came, the first of which has the number `first`. `stopped` is the message
    behind them for which there is more to do: await `waiting` if there is one, send it unless it
    was dropped, take the session's deeds and carry them out. Then go on with the message behind it.
    """

    first: int
    columns: Sequence[Sequence[bytes]]
    """The payloads as they came, and as they were behind each script."""
    scripts: Sequence[str]
    stopped: Message | None = None
    waiting: Waiting | None = None

    @property
    def originals(self) -> Sequence[bytes]:
        """The payloads as they came."""
        return self.columns[0]

    @property
    def contents(self) -> Sequence[bytes]:
        """The payloads as they go on."""
        return self.columns[-1]

    @property
    def is_changed(self) -> bool:
        """Whether any message goes on otherwise than it came."""
        return self.columns[0] != self.columns[-1]

    def edits(self) -> Iterator[tuple[int, Edit]]:
        """Each edit, with its message's number; in the order of messages, then of scripts."""
        for number, payloads in enumerate(zip(*self.columns, strict=True), self.first):
            for script, (before, after) in zip(self.scripts, pairwise(payloads), strict=True):
                if before != after:
                    yield number, Edit(script, before, after)


class Step(NamedTuple):
    """A function, and the session that it sees."""

    function: Callable[[Any], object]
    session: Session


class Stop(NamedTuple):
    """At which step something came up, with the message that its function saw and what it said."""

    step: int
    message: Message
    result: object


# Both loops use a message again that the function has not kept: to make one costs more than all
# else that they do. And both set its slots themselves: the setter of `content` looks for bytes that
# nothing which came in a text frame can have.
# ruff: noqa: SLF001


def edit_all(
    steps: Sequence[Step],
    passed: Sequence[list[bytes]],
    payloads: Iterable[bytes],
    side: Side,
    number: int,
    pending: Sequence[Deed],
    fault: Callable[[int, BaseException], object],
) -> Stop | None:
    """Show each payload to each step in order; `number` is the first message's.

    `passed` gets the payloads as they have passed each step. The loop stops as soon as a function
    has dropped a message or returned something, or when something is pending. Of the message at
    hand the steps before that have kept their payloads, the step itself has not. `fault` is told of
    exceptions; the message then passes that step as it came to it.
    """
    if len(steps) == 1:
        return _edit_alone(steps[0], passed[0], payloads, side, number, pending, fault)
    references, held, make = getrefcount, _HELD_TWICE, Message
    runs: list[list[Any]] = [
        [function, session, column.append, make(session, side, number, b"")]
        for (function, session), column in zip(steps, passed, strict=True)
    ]
    for payload in payloads:
        content = payload
        for run in runs:
            function, session, keep, message = run
            if references(message) > held:
                message = run[3] = make(session, side, number, content)
            else:
                message.number = number
                message._content = content
                message._text = None
            try:
                result = function(message)
            except BaseException as error:  # noqa: BLE001 - nothing that a script does escapes
                fault(runs.index(run), error)
                message = run[3] = make(session, side, number, content)
                result = None
            if result is not None or pending or message.dropped_by:
                return Stop(runs.index(run), message, result)
            content = message._content
            keep(content)
        number += 1
    return None


def _edit_alone(
    step: Step,
    passed: list[bytes],
    payloads: Iterable[bytes],
    side: Side,
    number: int,
    pending: Sequence[Deed],
    fault: Callable[[int, BaseException], object],
) -> Stop | None:
    """The same for one step, which is the usual case: it saves a loop for each message."""
    function, session = step
    references, held, make, keep = getrefcount, _HELD_ONCE, Message, passed.append
    message = make(session, side, number, b"")
    for payload in payloads:
        if references(message) > held:
            message = make(session, side, number, payload)
        else:
            message.number = number
            message._content = payload
            message._text = None
        try:
            result = function(message)
        except BaseException as error:  # noqa: BLE001 - nothing that a script does escapes
            fault(0, error)
            message = make(session, side, number, payload)
            result = None
        if result is not None or pending or message.dropped_by:
            return Stop(0, message, result)
        keep(message._content)
        number += 1
    return None


def _references() -> tuple[int, int]:
    """What getrefcount says of something that one variable holds, and that a list holds too."""
    local = object()
    once = getrefcount(local)
    holder = [local]
    return once, getrefcount(local) if holder else 0


_HELD_ONCE, _HELD_TWICE = _references()
