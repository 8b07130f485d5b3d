"""Plays one side of a recorded session: events and the clock in, commands out, no I/O."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from ws76proxy.errors import UsageError
from ws76proxy.record import Peer
from ws76proxy.replay.compare import EXACT, Rules
from ws76proxy.replay.expect import Difference, Expectation
from ws76proxy.replay.plan import Plan, Step, other, said
from ws76proxy.wire.events import Event

__all__ = [
    "LOCKSTEP",
    "Command",
    "Done",
    "Player",
    "Send",
    "SendEof",
    "Timing",
    "WaitUntil",
    "parse_timing",
]

# More of them say nothing new, and who talks without end must not fill the memory.
MAX_DIFFERENCES = 1000


class Timing(NamedTuple):
    """When our own steps go.

    "lockstep": each when the peer's recorded steps before it have come. "original": at its recorded
    time after the opening, divided by `speed`. "fast": at once. The end of our stream and FF 00
    always wait for what the peer said before them in the recording: after them it would say no
    more.
    """

    mode: Literal["lockstep", "original", "fast"]
    speed: float = 1.0


LOCKSTEP = Timing("lockstep")


def parse_timing(text: str) -> Timing:
    """Read ``lockstep``, ``original``, ``fast``, or ``xN``: N times as fast as the original.

    Raises UsageError.
    """
    match text:
        case "lockstep" | "original" | "fast":
            return Timing(text)
    try:
        speed = float(text.removeprefix("x")) if text.startswith("x") else 0.0
    except ValueError:
        speed = 0.0
    if not 0.001 <= speed <= 1_000_000:
        raise UsageError(f"{text!r}: expected lockstep, original, fast, or xN such as x10 or x0.5")
    return Timing("original", speed)


class Send(NamedTuple):
    """Write these bytes."""

    data: bytes


class SendEof(NamedTuple):
    """Send no more; go on reading."""


class WaitUntil(NamedTuple):
    """Call `wake` at this time, unless something else is called first."""

    deadline: float


class Done(NamedTuple):
    """It is over: close the connection. Nothing more will be asked for."""


Command = Send | SendEof | WaitUntil | Done


class Player:
    """One side of a recorded session, played against a live peer.

    Times are seconds by one clock that never jumps; the methods give commands, each to be carried
    out before the next is taken. What is different goes to `differences`; without `go_on` the first
    ends the play. `timeout`: how much longer than in the recording the peer may take. `answers`:
    seconds from a step of ours to the recorded step of the peer right after it.
    """

    def __init__(
        self,
        plan: Plan,
        role: Peer,
        *,
        timing: Timing = LOCKSTEP,
        timeout: float = 10.0,
        rules: Rules = EXACT,
        go_on: bool = False,
    ) -> None:
        self.plan = plan
        self.differences: list[Difference] = []
        self.answers: list[float] = []
        self.sent = 0
        self.received = 0
        self.done = False
        self._role: Peer = role
        self._timing = timing
        self._timeout = timeout
        self._go_on = go_on
        self._peer = Expectation(plan, other(role), rules, self.differences)
        places = {id(step): place for place, step in enumerate(plan.steps)}
        theirs = [places[id(step)] for step in self._peer.steps]
        self._gaps = [_gap(plan, place) for place in theirs]
        self._own = [step for step in plan.steps if step.who == role and step.whole]
        own = [places[id(step)] for step in self._own]
        self._next = 0
        # For each own step: how many of the peer's stand before it in the recording, and which of
        # the peer's comes right after it.
        self._before = [bisect_left(theirs, place) for place in own]
        numbers = {place: number for number, place in enumerate(theirs)}
        self._follows = [numbers.get(place + 1) for place in own]
        self._asked: dict[int, float] = {}
        self._opened_at = 0.0
        self._progress_at = 0.0
        self._paused = False

    # What happens

    def opened(self, now: float) -> Iterator[Command]:
        """The opening handshake is done."""
        self._opened_at = self._progress_at = now
        yield from self._advance(now)

    def receive(self, events: Iterable[Event], now: float) -> Iterator[Command]:
        """The peer said something, or ended its stream."""
        if self.done:
            return
        peer = self._peer
        for event in events:
            for step in said(event, other(self._role)):
                before = peer.next
                peer.take(step)
                self.received += step.what in ("message", "frame")
                if peer.next > before:
                    self._progress_at = now
                    asked = self._asked.pop(peer.next - 1, None)
                    if asked is not None:
                        self.answers.append(now - asked)
                if self._is_enough():
                    yield from self._finish()
                    return
        yield from self._advance(now)

    def wake(self, now: float) -> Iterator[Command]:
        """The time that was waited for has come."""
        if self.done:
            return
        deadline = self._patience()
        if deadline is not None and now >= deadline:
            seconds = now - self._progress_at
            if self._is_stuck:
                self._cannot_send(f"the {other(self._role)} did not read for {seconds:.3g} s")
                yield from self._finish()
                return
            self._peer.miss(self._awaited() - self._peer.next, f"waited for {seconds:.3g} s")
            self._progress_at = now
            if self._is_enough():
                yield from self._finish()
                return
        yield from self._advance(now)

    def lost(self) -> Iterator[Command]:
        """The connection is gone."""
        if self.done:
            return
        left = len(self._peer.steps) - self._peer.next
        if left:
            self._peer.miss(left, "the connection was lost")
        self._cannot_send("the connection had ended")
        yield from self._finish()

    def pause(self) -> None:
        """The peer reads slowly: nothing is sent until `resume`."""
        self._paused = True

    def resume(self, now: float) -> Iterator[Command]:
        """The peer has read what was sent."""
        self._paused = False
        self._progress_at = now
        if not self.done:
            yield from self._advance(now)

    # What follows

    def _advance(self, now: float) -> Iterator[Command]:
        while self._next < len(self._own) and not self._paused and self._may_go(now):
            step = self._own[self._next]
            follows = self._follows[self._next]
            self._next += 1
            self._progress_at = now
            if follows is not None:
                self._asked[follows] = now
            if step.what == "end":
                yield SendEof()
            else:
                self.sent += step.what in ("message", "frame")
                yield Send(step.raw)
            if self.done:
                # Sending showed that the connection is gone.
                return
        if self._next == len(self._own) and self._peer.is_met:
            yield from self._finish()
        else:
            yield WaitUntil(self._deadline())

    def _may_go(self, now: float) -> bool:
        step = self._own[self._next]
        in_order = self._timing.mode == "lockstep" or step.what in ("closing", "end")
        if in_order and self._peer.next < self._before[self._next]:
            return False
        return self._timing.mode != "original" or now >= self._due(step)

    def _due(self, step: Step) -> float:
        return self._opened_at + max(0.0, step.time - self.plan.opened) / self._timing.speed

    def _awaited(self) -> int:
        """How many of the peer's steps should have come before our next one."""
        if self._next < len(self._own):
            return self._before[self._next]
        return len(self._peer.steps)

    def _patience(self) -> float | None:
        """When we stop waiting for the peer; None where it is our turn."""
        if self._is_stuck:
            return self._progress_at + self._timeout
        if self._peer.next >= self._awaited():
            return None
        return self._progress_at + self._gaps[self._peer.next] + self._timeout

    def _deadline(self) -> float:
        times = [self._patience()]
        if self._next < len(self._own) and self._timing.mode == "original":
            step = self._own[self._next]
            if step.what not in ("closing", "end") or self._peer.next >= self._awaited():
                times.append(self._due(step))
        return min(time for time in times if time is not None)

    @property
    def _is_stuck(self) -> bool:
        return self._paused and self._next < len(self._own)

    def _is_enough(self) -> bool:
        found = len(self.differences)
        return found > 0 and (not self._go_on or found >= MAX_DIFFERENCES)

    def _cannot_send(self, why: str) -> None:
        left = [step for step in self._own[self._next :] if step.what in ("message", "frame")]
        if left:
            where = self.plan.where(left[0])
            more = f"; {len(left)} steps were left" if len(left) > 1 else ""
            difference = Difference(
                "unsent", other(self._role), where, expected=left[0], detail=why + more
            )
            self.differences.append(difference)

    def _finish(self) -> Iterator[Command]:
        if not self.done:
            self.done = True
            if not self._go_on:
                del self.differences[1:]
            yield Done()


def _gap(plan: Plan, place: int) -> float:
    """How long nothing was said before a step, in seconds."""
    before = plan.steps[place - 1].time if place else plan.opened
    return max(0.0, plan.steps[place].time - before)
