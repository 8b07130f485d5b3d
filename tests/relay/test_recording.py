"""A relay that records: everything is in the files, and no fault of a disk reaches a session."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.recording.disks import Disk, disk, small_disk
from tests.recording.told import files_in, read, texts_of, types
from ws76proxy.demo import EchoServer
from ws76proxy.record import AnyRecord, FindingRecord, HttpRecord, Record
from ws76proxy.recording import RecordedSession, read_sessions, rebuild
from ws76proxy.recording.writer import Recorder, RecordingOptions

from .ends import End, opened, serving
from .handshakes import ANSWER, CLOSING, KEY3, frame, request
from .harness import Running, relaying

__all__ = ["disk", "small_disk"]

LOSSLESS = {"lossless": True, "host": "keep"}


@pytest.fixture(params=["folder", "all.jsonl"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def recorder(path: Path, **options: Any) -> Recorder:
    return Recorder(RecordingOptions(path=path, **options), vantage="relay")


def sessions_at(place: Path) -> dict[int, RecordedSession]:
    return {session.number: session for session in read_sessions([place], pytest.fail)}


def codes(records: list[AnyRecord], code: str) -> int:
    """How often a finding stands there."""
    return sum(isinstance(record, FindingRecord) and record.code == code for record in records)


async def until_finding(relay: Running, code: str) -> FindingRecord:
    """Wait until whoever looks at the relay's console sees it."""
    count = 1
    while (found := await relay.recorder.until(FindingRecord, count=count)).code != code:
        count += 1
    return found


async def echo(client: End, numbers: range, size: int = 100) -> None:
    for number in numbers:
        await client.echo((b"%d" % number).zfill(size))


async def test_a_recording_has_every_byte_and_what_was_told(place: Path) -> None:
    disk = recorder(place)
    asked = request() + KEY3
    said = frame(b"hello") + frame("\u2028é".encode()) + b"\x80\x03abc" + CLOSING
    answered = frame(b"not \xe9 UTF-8") + frame(b"") * 3 + CLOSING
    async with (
        serving() as server,
        relaying(server.port, listeners=[disk], session=LOSSLESS) as relay,
        relay.client() as client,
    ):
        await client.send(asked[:50])
        await client.send(asked[50:])
        upstream = await server.accept()
        assert await upstream.receive(len(asked)) == asked
        await upstream.send(ANSWER)
        assert await client.receive(len(ANSWER)) == ANSWER
        await client.send(said)
        assert await upstream.receive(len(said)) == said
        await upstream.send(answered)
        assert await client.receive(len(answered)) == answered
        client.finish()
        upstream.finish()
        await relay.recorder.ended()
    (session,) = sessions_at(place).values()
    streams = rebuild(session.records)
    assert streams.gaps == []
    assert (streams.client, streams.server) == (asked + said, ANSWER + answered)
    assert session.records == relay.recorder.records


async def test_sessions_that_the_end_of_the_relay_ends(place: Path) -> None:
    disk = recorder(place, gather=3600)
    async with (
        EchoServer() as server,
        relaying(server.port, listeners=[disk], session=LOSSLESS) as relay,
        relay.client() as first,
        relay.client() as second,
        relay.client() as silent,
    ):
        await first.open()
        await second.open()
        await first.echo(b"1")
        await second.echo(b"2")
        await relay.until_pumps(3)
        await relay.stop()
        await silent.until_dropped()
    sessions = sessions_at(place)
    assert len(sessions) == (3 if place.suffix else 2)
    for session in sessions.values():
        assert session.end is not None
        assert session.records == relay.recorder.all(Record, session.number)


async def test_pages_get_no_file(tmp_path: Path) -> None:
    disk = recorder(tmp_path)
    async with (
        EchoServer() as server,
        relaying(server.port, listeners=[disk], session=LOSSLESS) as relay,
        relay.client() as page,
        relay.client() as client,
    ):
        await page.send(b"GET / HT")
        await page.send(b"TP/1.1\r\nHost: example.com\r\n\r\n")
        assert (await page.rest()).startswith(b"HTTP/1.1 200 ")
        await page.close()
        await relay.recorder.until(HttpRecord)
        await client.open()
    assert len(files_in(tmp_path)) == 1


async def test_a_folder_that_vanishes(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    disk = recorder(folder)
    async with (
        EchoServer() as server,
        relaying(server.port, listeners=[disk], session=LOSSLESS) as relay,
        relay.client() as client,
    ):
        await client.open()
        await echo(client, range(10))
        shutil.rmtree(folder, ignore_errors=True)
        await echo(client, range(10))
        finding = await until_finding(relay, "recording-stopped")
        assert (finding.session, finding.severity) == (0, "error")
        assert str(folder) in finding.detail
        await echo(client, range(1000))
        async with relay.client() as another:
            await another.open()
            await echo(another, range(10))
    assert codes(relay.recorder.records, "recording-stopped") == 1
    assert not any(folder.iterdir()) if folder.exists() else True


@pytest.mark.parametrize("name", ["folder", "all.jsonl"])
async def test_a_disk_that_is_full(small_disk: Path, name: str) -> None:
    path = small_disk / name
    disk = recorder(path, waiting=100_000)
    async with (
        EchoServer() as server,
        relaying(server.port, listeners=[disk], session=LOSSLESS) as relay,
        relay.client() as client,
    ):
        await client.open()
        await echo(client, range(50), 10_000)
        await until_finding(relay, "recording-stopped")
        # Every byte still comes back, and none of it is waited with.
        await echo(client, range(200), 10_000)
    assert codes(relay.recorder.records, "recording-stopped") == 1
    (written,) = files_in(path) if path.is_dir() else [path]
    kept = texts_of(read(written))
    # Each once as it was sent, and once as it came back.
    assert [int(text[-9:]) for text in kept] == [number // 2 for number in range(len(kept))]
    assert kept


async def test_a_session_above_its_limit_goes_on(place: Path) -> None:
    disk = recorder(place, session_limit=20_000)
    async with (
        EchoServer() as server,
        relaying(server.port, listeners=[disk], session=LOSSLESS) as relay,
        relay.client() as client,
        relay.client() as other,
    ):
        await client.open()
        await echo(client, range(100), 1000)
        finding = await until_finding(relay, "recording-limit")
        assert finding.session == 1
        await echo(client, range(100), 1000)
        await other.open()
        await other.echo(b"small")
    session = sessions_at(place)[1]
    assert codes(session.records, "recording-limit") == 1
    assert codes(relay.recorder.records, "recording-limit") == 1
    assert types(session.records)[-1] == "session-end"
    assert 0 < len(texts_of(session.records)) < 50
    assert texts_of(sessions_at(place)[2].records) == ["small"] * 2


async def test_a_slow_disk_holds_all_sessions_and_loses_nothing(place: Path, disk: Disk) -> None:
    waiting = 500_000
    to_disk = recorder(place, waiting=waiting)
    async with (
        serving() as server,
        relaying(server.port, listeners=[to_disk], session=LOSSLESS) as relay,
        relay.client() as client,
        relay.client() as other,
    ):
        ends = []
        for one in (client, other):
            one.shrink()
            upstream = await opened(one, server)
            ends.append(upstream)
        upstream, other_upstream = ends
        disk.stop()
        total, piece = 3000, frame(b"x" * 9_998)

        async def flood() -> None:
            for _ in range(total):
                await client.send(piece)

        async def drain() -> int:
            size = 0
            while size < total * len(piece):
                size += len(await upstream.receive_some())
            return size

        async with asyncio.TaskGroup() as group:
            flooding = group.create_task(flood())
            draining = group.create_task(drain())
            async with asyncio.timeout(60):
                while not to_disk.is_full:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0)
            # One more message of the other session, and that is held as well.
            await other.send(frame(b"one"))
            await other_upstream.receive(5)
            while len(relay.relay._held) < 2:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0)
            await other.send(frame(b"two"))
            assert not flooding.done()
            assert not draining.done()
            # What the two have brought on top is what one read brings.
            assert to_disk._told - to_disk._written < waiting + 2 * 300_000
            disk.goes_on.set()
        await other_upstream.receive(5)
    sessions = sessions_at(place)
    assert texts_of(sessions[1].records) == ["x" * 9_998] * total
    assert texts_of(sessions[2].records) == ["one", "two"]
    assert codes(relay.recorder.records, "recording-stopped") == 0


async def test_a_stuck_disk_lets_sessions_go(place: Path, disk: Disk) -> None:
    to_disk = recorder(place, waiting=50_000, patience=0.1)
    async with (
        EchoServer() as server,
        relaying(server.port, listeners=[to_disk], session=LOSSLESS) as relay,
        relay.client() as client,
    ):
        await client.open()
        disk.stop()
        await echo(client, range(50), 10_000)
        await until_finding(relay, "recording-stopped")
        await echo(client, range(50), 10_000)
        disk.goes_on.set()


async def test_the_last_complaint_is_heard(tmp_path: Path, disk: Disk) -> None:
    to_disk = recorder(tmp_path)
    async with (
        EchoServer() as server,
        relaying(server.port, listeners=[to_disk], session=LOSSLESS) as relay,
        relay.client() as client,
    ):
        await client.open()
        disk.close_fails = True
    assert relay.recorder.finding("recording-stopped").session == 0
