"""The parent of workers: starts them, starts them again, passes signals on.

It serves no client itself. Workers are processes of their own with the same command line; what
else they need is in their environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from ws76proxy.fleet.place import Board, Place
from ws76proxy.fleet.port import reserve_port

__all__ = ["Supervisor"]

_LONG_ENOUGH = 60.0
_LONGEST_DELAY = 30.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Worker:
    """One place and the process that has it now."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: asyncio.subprocess.Process | None = None
        self.is_ready = False
        self.deaths_in_a_row = 0


class Supervisor:
    """Runs `workers` processes of a command on one port.

    `say` gets a line for the user; `worker_died` is called with a worker's number before it has a
    successor. That begins at once; after further deaths within a minute of life it waits, 1 s and
    then twice as long each time, 30 s at most.
    """

    def __init__(
        self,
        command: Sequence[str],
        workers: int,
        *,
        say: Callable[[str], None],
        worker_died: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._command = list(command)
        self._workers = [_Worker(number) for number in range(1, workers + 1)]
        self._say = say
        self._worker_died = worker_died
        self._folder: Path
        self._port = 0
        self._held: list[socket.socket] = []
        self._board: Board
        self._stopping = asyncio.Event()
        self._all_ready = False
        self._failed = False
        self.restarts = 0

    @contextlib.asynccontextmanager
    async def prepared(self, host: str, port: int) -> AsyncIterator[None]:
        """Hold the port, and a folder for what workers share. Raises OSError."""
        self._held = reserve_port(host, port)
        self._port = self._held[0].getsockname()[1]
        try:
            with tempfile.TemporaryDirectory(prefix="ws76proxy-") as folder:
                self._folder = Path(folder)
                self._board = Board(self._folder, len(self._workers))
                try:
                    yield
                finally:
                    self._board.close()
        finally:
            for one in self._held:
                one.close()

    @property
    def folder(self) -> Path:
        """Where workers share what they count."""
        return self._folder

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each address that the workers listen on."""
        return [one.getsockname()[:2] for one in self._held]

    @property
    def ready(self) -> int:
        """How many workers serve."""
        return sum(worker.is_ready for worker in self._workers)

    @property
    def is_stopping(self) -> bool:
        """Whether a signal has said so."""
        return self._stopping.is_set()

    async def run(self, listening: Callable[[], None]) -> bool:
        """Run until a signal; `listening` is called once all workers serve.

        The first SIGINT or SIGTERM goes to all workers, a second one kills them and ourselves.
        Returns whether all went well: false where a worker could not even begin, or failed to end
        in order.
        """
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._signalled, number)
        try:
            async with asyncio.TaskGroup() as group:
                for worker in self._workers:
                    group.create_task(self._keep(worker, listening))
        finally:
            self._kill_all()
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
        return not self._failed

    async def _keep(self, worker: _Worker, listening: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            try:
                status = await self._live(worker, listening)
            except OSError as error:
                self._say(f"worker {worker.number} cannot be started: {error.strerror or error}")
                status = 1
            if self._stopping.is_set():
                break
            if not self._all_ready:
                # It has said itself why it cannot begin, and no other would.
                self._failed = True
                self._stop(signal.SIGTERM)
                break
            lived = loop.time() - began
            worker.deaths_in_a_row = 0 if lived >= _LONG_ENOUGH else worker.deaths_in_a_row + 1
            delay = _delay(worker.deaths_in_a_row)
            when = f"in {delay:g} s" if delay else "now"
            self._say(f"worker {worker.number} {_in_words(status)}; its successor starts {when}")
            self.restarts += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()

    async def _live(self, worker: _Worker, listening: Callable[[], None]) -> int:
        """One process, from its start to its end; its exit status."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                last = self._board.last(worker.number)
                place = Place(
                    worker=worker.number,
                    workers=len(self._workers),
                    first=last + len(self._workers) if last else worker.number,
                    port=self._port,
                    folder=str(self._folder),
                    control=theirs.fileno(),
                )
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    env={
                        **os.environ,
                        **place.environment(),
                        "PROMETHEUS_MULTIPROC_DIR": str(self._folder),
                    },
                    pass_fds=[theirs.fileno()],
                    # Not in our group: Ctrl-C would reach it twice.
                    process_group=0,
                )
            worker.process = process
            if self._stopping.is_set():
                process.terminate()
            ours.setblocking(False)
            said = b""
            with contextlib.suppress(ConnectionError):
                said = await loop.sock_recv(ours, 1)
            worker.is_ready = bool(said)
            if not self._all_ready and self.ready == len(self._workers):
                self._all_ready = True
                # Not from here: what fails of it is no fault of the worker.
                loop.call_soon(listening)
            was_ready = worker.is_ready
            status = await process.wait()
            worker.process = None
            worker.is_ready = False
        self._worker_died(worker.number)
        if self._stopping.is_set() and status and was_ready:
            self._say(f"worker {worker.number} {_in_words(status)}")
            self._failed = True
        return status

    def _signalled(self, number: signal.Signals) -> None:
        if not self._stopping.is_set():
            self._stop(number)
            return
        self._kill_all()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _stop(self, number: signal.Signals) -> None:
        self._stopping.set()
        self._send_all(number)

    def _kill_all(self) -> None:
        self._send_all(signal.SIGKILL)

    def _send_all(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.process is not None:
                # Python takes a SIGINT before it has begun for a fault.
                early = number is signal.SIGINT and not worker.is_ready
                with contextlib.suppress(ProcessLookupError):
                    worker.process.send_signal(signal.SIGTERM if early else number)


def _delay(deaths_in_a_row: int) -> float:
    """How long a successor waits."""
    if deaths_in_a_row <= 1:
        return 0.0
    return min(_LONGEST_DELAY, 2.0 ** (deaths_in_a_row - 2))


def _in_words(status: int) -> str:
    if status >= 0:
        return f"has ended with exit status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
