"""A worker's place: its numbers, its port, its turn to write."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ws76proxy.fleet.place import Place, TakesTurns, place_of_this_process
from ws76proxy.fleet.port import reserve_port
from ws76proxy.relay.outlet import Outlet


def test_a_port_for_several() -> None:
    with contextlib.ExitStack() as stack:
        held = reserve_port("127.0.0.1", 0)
        for one in held:
            stack.enter_context(one)
        port = held[0].getsockname()[1]
        for _ in range(2):
            worker = stack.enter_context(socket.socket())
            worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            worker.bind(("127.0.0.1", port))
            worker.listen()
        with socket.create_connection(("127.0.0.1", port)):
            pass
        # A stranger does not get a share.
        with pytest.raises(OSError, match="in use"):
            reserve_port("127.0.0.1", port)


def test_a_port_on_every_address() -> None:
    held = reserve_port("", 0)
    assert len({one.getsockname()[1] for one in held}) == 1
    for one in held:
        one.close()


def place_in(folder: Path, worker: int, first: int) -> Place:
    return Place(worker=worker, workers=3, first=first, port=0, folder=str(folder), control=0)


def test_numbers_of_workers(tmp_path: Path) -> None:
    given = {
        worker: [number for number, _ in zip(numbers, range(4), strict=False)]
        for worker in (1, 2, 3)
        for numbers in [place_in(tmp_path, worker, worker).numbers()]
    }
    assert sorted(number for numbers in given.values() for number in numbers) == [*range(1, 13)]


def test_a_place_is_taken_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = place_in(tmp_path, 2, 5)
    for name, value in place.environment().items():
        monkeypatch.setenv(name, value)
    assert place_of_this_process() == place
    assert place_of_this_process() is None


@pytest.mark.parametrize(("whole", "share"), [(0, 0), (1, 1), (3, 1), (10, 4)])
def test_a_share_of_a_limit(tmp_path: Path, whole: int, share: int) -> None:
    assert place_in(tmp_path, 1, 1).share_of(whole) == share


_DIES_WRITING = """
import os, signal, sys
from pathlib import Path
from ws76proxy.fleet.place import TakesTurns

class Dies:
    def write(self, data):
        os.write(1, data[:8])
        os.kill(os.getpid(), signal.SIGKILL)

TakesTurns(Dies(), Path(sys.argv[1])).write(b'{"half": and more')
"""


def test_a_torn_line_is_ended(tmp_path: Path) -> None:
    """Whoever dies while writing leaves half a line, and the lock."""
    path = tmp_path / "output"
    with path.open("ab") as file:
        done = subprocess.run(
            [sys.executable, "-c", _DIES_WRITING, str(tmp_path)], stdout=file, check=False
        )
        assert done.returncode == -signal.SIGKILL
        turns = TakesTurns(file, tmp_path)
        turns.write(b'{"whole":1}\n')
        turns.write(b'{"whole":2}\n')
        turns.close()
    assert path.read_bytes().split(b"\n") == [b'{"half":', b'{"whole":1}', b'{"whole":2}', b""]


def test_lines_that_nobody_reads_are_counted() -> None:
    """A pipe's reader has gone: what waited, and what comes after."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as file:
        outlet = Outlet(file)
        outlet.write(b"1\n2\n")
        outlet.start(lambda: None)
        outlet.stop()
        assert outlet.broken
        outlet.write(b"3\n")
    assert outlet.dropped == 3
