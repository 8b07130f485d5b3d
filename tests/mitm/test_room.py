"""A recording that cannot keep up slows sessions down, and fills no memory."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.mitm.memory import Memory
from ws76proxy.mitm import replacements
from ws76proxy.mitm.recording import Run, wait_for_room
from ws76proxy.mitm.settings import Settings
from ws76proxy.record import MessageRecord
from ws76proxy.recording import read_sessions
from ws76proxy.recording.writer import RecordingOptions

pytestmark = pytest.mark.usefixtures("patched")

BURST = 2000
BURSTS = 30
WARM = 6


def resident() -> float:
    """What this process holds, in MiB."""
    match = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert match is not None
    return int(match[1]) / 1024


async def _talk(path: Path, sizes: list[float]) -> Memory:
    run = Run(RecordingOptions(path=path))
    memory = Memory(Settings(max_messages=100), record=run)
    memory.open()
    burst = b"\x00a message of a few words\xff" * BURST
    for _ in range(BURSTS):
        memory.from_client(burst)
        memory.from_server(burst)
        for pieces in memory.sent.values():
            pieces.clear()
        memory.names.clear()
        await wait_for_room(memory.client)
        sizes.append(resident())
    memory.finish()
    run.stop()
    return memory


def test_memory_is_flat(tmp_path: Path) -> None:
    """120,000 messages, of which the flow keeps 100 and the file all."""
    path = tmp_path / "all.jsonl"
    sizes: list[float] = []
    memory = asyncio.run(_talk(path, sizes))
    assert memory.flow.websocket is not None
    assert len(memory.flow.websocket.messages) == 100
    # Without bounds it would be 250 bytes and more for each message: 23 MiB.
    assert sizes[-1] - sizes[WARM] < 16, sizes
    complaints: list[str] = []
    (session,) = read_sessions([path], complaints.append)
    assert complaints == []
    messages = sum(isinstance(one, MessageRecord) for one in session.records)
    assert messages == 2 * BURST * BURSTS
    assert session.end is not None
    assert session.end.client.messages == session.end.server.messages == BURST * BURSTS


def test_nothing_is_read_while_the_disk_is_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writing thread stands still: so does reading, until it goes on."""
    goes_on = threading.Event()
    drained: list[str] = []

    async def stock(_self: Any) -> None:
        drained.append("drained")

    async def play() -> None:
        run = Run(RecordingOptions(path=tmp_path / "all.jsonl", waiting=1000))
        write_all = run._recorder._write_all

        def slowly() -> None:
            goes_on.wait(20)
            write_all()

        monkeypatch.setattr(run._recorder, "_write_all", slowly)
        memory = Memory(record=run)
        memory.open()
        memory.from_client(b"\x00" + b"x" * 5000 + b"\xff")
        handler = SimpleNamespace(client=memory.client)
        reading = asyncio.create_task(replacements.writers_drainer(stock)(handler))
        done, _ = await asyncio.wait([reading], timeout=0.5)
        assert not done
        goes_on.set()
        await asyncio.wait_for(reading, 20)
        assert drained == ["drained"]
        memory.finish()
        run.stop()

    asyncio.run(play())


def test_others_never_wait(tmp_path: Path) -> None:
    async def play() -> None:
        memory = Memory()
        memory.open()
        await asyncio.wait_for(wait_for_room(memory.client), 20)

    asyncio.run(play())
