"""Runs every work through every relay, interleaved, and keeps what each run gave."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.build import Programs
from benchmarks.processes import (
    READY_TIMEOUT,
    Listening,
    ProcessError,
    free_port,
    listening,
    on_cpus,
)
from benchmarks.relays import Relay
from benchmarks.works import PEAK, Work

LOAD_TIMEOUT = 20.0
"""How long the load generator waits for connections, and for what is on its way at the end."""

WARM_UP, WARM_UP_COUNT = "W5", 16
"""Connections that come and go before each measurement. The stock loop receives into blocks of
256 KiB, which glibc maps and unmaps one by one until the first such block is freed whole; that
happens when a connection ends. Without it the first connection of a process is timed, and
round trips through the stock loop take more than twice as long as through any later one."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The CPUs of the load generator and its server, and those of the relay."""

    name: str
    load: frozenset[int]
    relay: frozenset[int]


def placement(name: str) -> Placement:
    """`one`: all on one CPU; `split`: the relay alone on another; `free`: left to the kernel."""
    cpus = os.sched_getaffinity(0)
    if name == "free":
        return Placement(name, frozenset(cpus), frozenset(cpus))
    # The highest one: interrupts tend to go to the first.
    relay = frozenset({max(cpus)})
    return Placement(name, frozenset({min(cpus)}) if name == "split" else relay, relay)


@dataclass(frozen=True, slots=True)
class Options:
    programs: Programs
    placement: Placement
    seconds: float
    text: str = "astral"


@dataclass(slots=True)
class Cell:
    """What one relay did in one work: a result for each round, or why it failed."""

    rounds: list[dict[str, Any]] = field(default_factory=list)
    failure: str | None = None

    def median(self, figure: str) -> float | None:
        """None when the relay failed in any round, or the work has no such figure."""
        if self.failure is not None or any(figure not in result for result in self.rounds):
            return None
        return float(statistics.median(result[figure] for result in self.rounds))

    def peak_memory_mib(self) -> float | None:
        peaks = [result[PEAK] for result in self.rounds if PEAK in result]
        return max(peaks, default=None)


Results = dict[tuple[str, str], Cell]
"""By the names of relay and work."""


def run(
    relays: Sequence[Relay],
    works: Sequence[Work],
    rounds: int,
    options: Options,
    progress: Callable[[int, Relay, Work, str], None],
) -> Results:
    """Each round does each work through each relay in turn, so that drift reaches all alike."""
    results: Results = {(relay.name, work.name): Cell() for work in works for relay in relays}
    for number in range(rounds):
        for work in works:
            # Turned by one each round: no relay always follows the same neighbour.
            turn = number % max(1, len(relays))
            for relay in (*relays[turn:], *relays[:turn]):
                cell = results[relay.name, work.name]
                try:
                    result = measure(relay, work, options)
                except ProcessError as error:
                    cell.failure = str(error)
                    progress(number, relay, work, f"failed: {error}")
                else:
                    cell.rounds.append(result)
                    progress(number, relay, work, f"{result[work.figure]:,.1f} {work.unit}")
    return results


def measure(relay: Relay, work: Work, options: Options) -> dict[str, Any]:
    """One run with a server and a relay of its own; its figures and the relay's peak memory."""
    # Longer than a relay may take to start, warm up and be measured.
    lifetime = int(READY_TIMEOUT + 2 * (options.seconds + 2 * LOAD_TIMEOUT)) + 60
    serving = [str(options.programs.server), "--max-seconds", str(lifetime)]
    # A bridge that did not change the dialect would be refused.
    serving += ["--dialect", relay.server_dialect]
    with listening(serving, options.placement.load) as server:
        if not relay.command:
            return _load(relay, work.name, options, server.port)
        with _relaying(relay, server.port, options) as process:
            try:
                _load(relay, WARM_UP, options, process.port, "--count", str(WARM_UP_COUNT))
                result = _load(relay, work.name, options, process.port)
            except ProcessError:
                process.check(grace=0.5)  # that the relay has ended explains more
                raise
            process.check()
            return {**result, PEAK: process.peak_memory_mib()}


@contextmanager
def _relaying(relay: Relay, upstream: int, options: Options) -> Iterator[Listening]:
    listen = None if relay.announces_port else free_port()
    with TemporaryDirectory(prefix="ws76-benchmark-") as scratch:
        values = {"{upstream}": str(upstream), "{listen}": str(listen), "{scratch}": scratch}

        for name, make in relay.files.items():
            (Path(scratch) / name).write_text(make(), encoding="utf-8")

        def fill(text: str) -> str:
            for name, value in values.items():
                text = text.replace(name, value)
            return text

        with listening(
            [fill(part) for part in relay.command],
            options.placement.relay,
            port=listen,
            environment={name: fill(value) for name, value in relay.environment.items()},
        ) as process:
            yield process


def _load(relay: Relay, work: str, options: Options, port: int, *bounds: str) -> dict[str, Any]:
    command = [str(options.programs.load), "--work", work, "--port", str(port), *bounds]
    command += ["--seconds", str(options.seconds), "--timeout", str(LOAD_TIMEOUT)]
    command += ["--text", options.text, "--dialect", relay.client_dialect]
    if relay.edits_json:
        command += ["--payload", "json", "--edited"]
    try:
        with on_cpus(options.placement.load):
            finished = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=options.seconds + 2 * LOAD_TIMEOUT + 10,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise ProcessError("the load generator did not end in time") from error
    if finished.returncode:
        lines = finished.stderr.strip().splitlines()
        raise ProcessError(lines[-1].removeprefix("ws-load: ") if lines else "no reason given")
    result: dict[str, Any] = json.loads(finished.stdout)
    return result
