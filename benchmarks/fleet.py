"""The command `python -m benchmarks.fleet`: how many devices does one core carry?

Many sessions are opened and left alone, then each says something now and then. What counts is not
how long that takes but what it costs the relay: its memory, and the time that its processes were
on a CPU, which the load generator's own work does not distort.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from benchmarks.build import BuildError, build
from benchmarks.processes import Listening, ProcessError, listening
from tests.relay.handshakes import ANSWER, DIGEST, KEY3, frame, request

MESSAGE = frame(b"x" * 32)
CLOCK = os.sysconf("SC_CLK_TCK")
SPARE_FILES = 256
AT_ONCE = 50
OPENING = request().replace(b"/demo", b"/echo")


@dataclass
class Result:
    """What one number of workers gave; memory in KiB, times in seconds."""

    workers: int
    sessions: int
    sessions_of_each: list[int]
    opened_per_second: float
    cpu_per_opening_ms: float
    memory_before_mib: float
    memory_per_session_kib: float
    idle_cpu_percent: float
    messages_per_second: float
    cpu_percent: float
    cpu_per_round_trip_us: float
    round_trip_p50_ms: float
    round_trip_p99_ms: float

    @property
    def sessions_a_core(self) -> int:
        """How many sessions at this rate fill one core, from what they cost here."""
        return int(self.sessions * 100 / self.cpu_percent) if self.cpu_percent else 0


class Device(asyncio.Protocol):
    """A client that opens a session, waits, and says something when it is told to."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.round_trips: list[float] = []
        self._answer = bytearray()
        self._missing = 0
        self._sent = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(OPENING + KEY3)

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            self._answer += data
            head, blank, digest = bytes(self._answer).partition(b"\r\n\r\n")
            if blank and len(digest) >= len(DIGEST):
                assert digest == DIGEST, "the answer to the challenge is wrong"
                assert head.startswith(ANSWER[:12]), "the server refused"
                self.opened.set_result(None)
            return
        self._missing -= len(data)
        if not self._missing:
            self.round_trips.append(time.perf_counter() - self._sent)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ProcessError(f"a session was not opened: {exc}"))

    def say(self) -> None:
        """A message, unless the last one has not come back."""
        if self._missing <= 0:
            self._sent = time.perf_counter()
            self._missing = len(MESSAGE)
            self.transport.write(MESSAGE)


def processes_of(relay: Listening) -> list[int]:
    """The relay itself, then its workers."""
    pid = relay.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def memory(processes: list[int]) -> float:
    """What they have for themselves, and their part of what they share, in KiB."""
    return sum(_field(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in processes)


def _field(path: str, name: str) -> float:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return float(line.split()[1])
    raise ProcessError(f"{path} says nothing of {name}")


def cpu(processes: list[int]) -> float:
    """How long they have been on a CPU, in seconds."""
    total = 0
    for pid in processes:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / CLOCK


def files_of(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


async def open_all(port: int, count: int) -> list[Device]:
    """So many sessions, a few at a time."""
    loop = asyncio.get_running_loop()
    turns = asyncio.Semaphore(AT_ONCE)

    async def one() -> Device:
        async with turns:
            _, device = await loop.create_connection(Device, "127.0.0.1", port)
            await device.opened
            return device

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def talk(devices: list[Device], every: float, seconds: float) -> None:
    """Each says something in each period, spread evenly over it."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    due = 0
    while (now := loop.time() - began) < seconds:
        wanted = int(now / every * len(devices))
        while due < wanted:
            devices[due % len(devices)].say()
            due += 1
        await asyncio.sleep(0.005)


async def measure(
    relay: Listening, workers: int, sessions: int, every: float, seconds: float
) -> Result:
    """One relay: opening, silence, a modest rate."""
    processes = processes_of(relay)
    # A few connections before what is measured: modules and memory that every relay takes once.
    for device in await open_all(relay.port, 20 * workers):
        device.transport.abort()
    await asyncio.sleep(1)
    before, spent = memory(processes), cpu(processes)
    # A parent of workers has no session.
    serving = processes[1:] or processes
    files = [files_of(pid) for pid in serving]
    began = time.perf_counter()
    devices = await open_all(relay.port, sessions)
    opening = time.perf_counter() - began
    opening_cpu = cpu(processes) - spent
    await asyncio.sleep(1)
    grown = memory(processes) - before
    spent = cpu(processes)
    await asyncio.sleep(seconds)
    idle = cpu(processes) - spent

    # The first messages make what later ones use again.
    await talk(devices, every, every)
    for device in devices:
        device.round_trips.clear()
    spent, began = cpu(processes), time.perf_counter()
    await talk(devices, every, seconds)
    busy, lasted = cpu(processes) - spent, time.perf_counter() - began
    trips = sorted(trip for device in devices for trip in device.round_trips)
    if not trips:
        raise ProcessError("not a message came back")
    each = [(files_of(pid) - had) // 2 for pid, had in zip(serving, files, strict=True)]
    for device in devices:
        device.transport.abort()
    return Result(
        workers=workers,
        sessions=sessions,
        sessions_of_each=each,
        opened_per_second=sessions / opening,
        cpu_per_opening_ms=opening_cpu / sessions * 1000,
        memory_before_mib=before / 1024,
        memory_per_session_kib=grown / sessions,
        idle_cpu_percent=idle / seconds * 100,
        messages_per_second=len(trips) / lasted,
        cpu_percent=busy / lasted * 100,
        cpu_per_round_trip_us=busy / len(trips) * 1e6,
        round_trip_p50_ms=trips[len(trips) // 2] * 1000,
        round_trip_p99_ms=trips[len(trips) * 99 // 100] * 1000,
    )


def as_lines(result: Result) -> list[str]:
    each = ", ".join(map(str, result.sessions_of_each))
    return [
        f"workers {result.workers}: {result.sessions} sessions ({each})",
        f"  opening: {result.opened_per_second:.0f} a second, "
        f"{result.cpu_per_opening_ms:.2f} ms of CPU each",
        f"  memory: {result.memory_before_mib:.0f} MiB before, "
        f"{result.memory_per_session_kib:.1f} KiB a session",
        f"  silence: {result.idle_cpu_percent:.1f} % of a core",
        f"  {result.messages_per_second:.0f} messages a second, echoed: "
        f"{result.cpu_percent:.1f} % of a core, {result.cpu_per_round_trip_us:.0f} µs each; "
        f"round trip {result.round_trip_p50_ms:.1f} ms (median), "
        f"{result.round_trip_p99_ms:.1f} ms (99 %)",
        f"  so one core carries {result.sessions_a_core} such sessions",
    ]


@click.command()
@click.option("--sessions", default=5000, type=click.IntRange(1, 60_000), show_default=True)
@click.option("--workers", default="1,2", help="Numbers of workers to compare.", show_default=True)
@click.option(
    "--every",
    default=2.0,
    type=click.FloatRange(0.01, 3600),
    show_default=True,
    help="Each session says 32 bytes so often, in seconds, and gets them back.",
)
@click.option("--seconds", default=10.0, type=click.FloatRange(1, 600), show_default=True)
@click.option("--relay-option", multiple=True, help="A further option of the relay. Repeatable.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write JSON.")
def main(
    sessions: int,
    workers: str,
    every: float,
    seconds: float,
    relay_option: tuple[str, ...],
    json_file: Path | None,
) -> None:
    """Measure what sessions cost a relay: memory, opening, silence, a modest rate of messages."""
    if sys.platform != "linux":
        raise click.UsageError("what processes cost is read from Linux's /proc")
    try:
        numbers = [int(number) for number in workers.split(",")]
    except ValueError:
        raise click.UsageError(
            f"--workers: expected numbers such as 1,2, found {workers!r}"
        ) from None
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * sessions + SPARE_FILES
    if resource.RLIM_INFINITY != hard < needed:
        raise click.UsageError(
            f"--sessions {sessions}: the relay needs {needed} files, the system allows {hard}"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    try:
        server_program = build().server
    except BuildError as error:
        raise click.ClickException(str(error)) from error
    cpus = frozenset(os.sched_getaffinity(0))
    results = []
    for number in numbers:
        command = [
            *(sys.executable, "-m", "ws76proxy", "relay", "ws://127.0.0.1:{}", "-q"),
            *("--listen", "127.0.0.1:0", "--host", "keep", "--workers", str(number)),
            *("--max-connections", str(2 * sessions * number), *relay_option),
        ]
        with listening([str(server_program), "--max-seconds", "3600"], cpus) as server:
            command[4] = command[4].format(server.port)
            with listening(command, cpus) as relay:
                result = asyncio.run(measure(relay, number, sessions, every, seconds))
        results.append(result)
        print("\n".join(as_lines(result)), flush=True)
    if json_file is not None:
        json_file.write_text(json.dumps([asdict(one) for one in results], indent=1) + "\n")


if __name__ == "__main__":
    try:
        main.main(standalone_mode=False)
    except click.ClickException as error:
        print(f"benchmarks.fleet: {error.format_message()}", file=sys.stderr)
        sys.exit(error.exit_code)
    except ProcessError as error:
        print(f"benchmarks.fleet: {error}", file=sys.stderr)
        sys.exit(1)
