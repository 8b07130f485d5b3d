"""Many plays of some sessions, a few at a time, and what they say about a server's speed."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat

from ws76proxy.replay.client import ClientOptions, Outcome, replay_client
from ws76proxy.replay.plan import Plan

__all__ = ["Latencies", "Summary", "soak"]

# Each class of durations is so much wider than the one before: what percentiles may be off by.
_STEP = math.log(1.01)
_SMALLEST = 1e-7


class Latencies:
    """Durations in seconds, counted in classes one per cent wide: any number of them takes no more
    memory than a few thousand."""

    def __init__(self) -> None:
        self.count = 0
        self.least = math.inf
        self.most = 0.0
        self._classes: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """One more."""
        self.count += 1
        self.least = min(self.least, seconds)
        self.most = max(self.most, seconds)
        self._classes[math.floor(math.log(max(seconds, _SMALLEST)) / _STEP)] += 1

    def percentile(self, percent: float) -> float | None:
        """So many per cent took no longer than this; None where nothing was measured."""
        wanted = math.ceil(self.count * percent / 100)
        seen = 0
        for number in sorted(self._classes):
            seen += self._classes[number]
            if seen >= wanted:
                return min(max(math.exp((number + 0.5) * _STEP), self.least), self.most)
        return None

    def row(self) -> list[float | None]:
        """Least, median, 95th and 99th percentile, and most."""
        if not self.count:
            return [None] * 5
        middle = [self.percentile(percent) for percent in (50, 95, 99)]
        return [self.least, *middle, self.most]


@dataclass(slots=True)
class Tally:
    """What came of all plays of one session; `first` is the first that was not equal, or the
    last."""

    plan: Plan
    runs: int = 0
    failures: int = 0
    unreached: int = 0
    seconds: float = 0.0
    first: Outcome | None = None

    def add(self, outcome: Outcome) -> None:
        self.runs += 1
        self.seconds += outcome.seconds
        if self.first is None or (self.first.is_equal and not outcome.is_equal):
            self.first = outcome
        self.failures += not outcome.is_equal
        self.unreached += outcome.error is not None


@dataclass(slots=True)
class Summary:
    """All plays of all sessions."""

    tallies: list[Tally]
    handshakes: Latencies = field(default_factory=Latencies)
    answers: Latencies = field(default_factory=Latencies)
    sent: int = 0
    received: int = 0

    @property
    def runs(self) -> int:
        """How many plays there were."""
        return sum(tally.runs for tally in self.tallies)

    @property
    def failures(self) -> int:
        """How many of them were not equal to the recording."""
        return sum(tally.failures for tally in self.tallies)

    @property
    def unreached(self) -> int:
        """How many of those had no connection."""
        return sum(tally.unreached for tally in self.tallies)

    def add(self, tally: Tally, outcome: Outcome) -> None:
        """One more play."""
        tally.add(outcome)
        if outcome.handshake is not None:
            self.handshakes.add(outcome.handshake)
        for seconds in outcome.answers:
            self.answers.add(seconds)
        self.sent += outcome.sent
        self.received += outcome.received


async def soak(
    plans: Sequence[Plan],
    options: ClientOptions,
    *,
    times: int = 1,
    concurrency: int = 1,
    tell: Callable[[Outcome], None] = lambda _: None,
) -> Summary:
    """Play each session `times` times, in the order of `plans`, `concurrency` at a time.

    `tell` is called with each outcome as it comes. Raises as `replay_client` does.
    """
    tallies = [Tally(plan) for plan in plans]
    summary = Summary(tallies)
    work: Iterator[Tally] = chain.from_iterable(repeat(tallies, times))

    async def play() -> None:
        for tally in work:
            outcome = await replay_client(tally.plan, options)
            summary.add(tally, outcome)
            tell(outcome)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(concurrency, times * len(plans))):
            group.create_task(play())
    return summary
