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
    behind them for which there is more to do: take the session's deeds and carry them out, await
    `waiting` if there is one and carry out what is then to be done, then send the message unless it
    was dropped. Go on with the message behind it.
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


class Step:
    """A function, whose session it sees, and where the payloads go that have passed it."""

    __slots__ = ("function", "keep", "message", "session")

    def __init__(
        self, function: Callable[[Any], object], session: Session, passed: list[bytes]
    ) -> None:
        self.function = function
        self.session = session
        self.keep = passed.append
        self.message = Message(session, "client", 0, b"")


class Stop(NamedTuple):
    """At which step something came up, with the message that its function saw and what it said."""

    step: int
    message: Message
    result: object


def edit_all(
    steps: Sequence[Step],
    payloads: Iterable[bytes],
    side: Side,
    number: int,
    pending: Sequence[Deed],
    fault: Callable[[int, BaseException], object],
) -> Stop | None:
    """Show each payload to each step in order; `number` is the first message's.

    Stops as soon as a function has dropped a message, has returned something, or when something is
    pending. Of the message at hand the steps before that have kept their payloads, the step itself
    has not. `fault` is told of exceptions; the message then passes that step as it came to it.
    """
    for step in steps:
        step.message.side = side
    for payload in payloads:
        content = payload
        for step in steps:
            message = step.message
            # To make a message costs more than all else here: one that nobody has kept is used
            # again.
            if getrefcount(message) > _HELD_HERE:
                message = step.message = Message(step.session, side, number, content)
            else:
                message.number = number
                message._content = content  # noqa: SLF001 - its setter looks for what cannot be
                message._text = None  # noqa: SLF001
            try:
                result = step.function(message)
            except BaseException as error:  # noqa: BLE001 - nothing that a script does escapes
                fault(steps.index(step), error)
                message = step.message = Message(step.session, side, number, content)
                result = None
            if result is not None or pending or message.dropped_by:
                return Stop(steps.index(step), message, result)
            content = message._content  # noqa: SLF001
            step.keep(content)
        number += 1
    return None


def _references_here() -> int:
    """What getrefcount says of a message that a step and a local variable hold, and nobody else."""
    holder = [object()]
    local = holder[0]
    return getrefcount(local)


_HELD_HERE = _references_here()
