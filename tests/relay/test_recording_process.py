"""`ws76proxy relay --record` as a user runs it: signals, a full disk, and what is then shown."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.recording.disks import small_disk
from tests.recording.told import files_in, read, texts_of, types
from ws76proxy.demo import EchoServer, converse
from ws76proxy.record import RecordingRecord
from ws76proxy.recording import read_sessions

from .process import running

__all__ = ["small_disk"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
@pytest.mark.parametrize("name", ["folder", "all.ws76.jsonl"])
async def test_files_are_whole_after_a_signal(
    loop_name: str, tmp_path: Path, number: signal.Signals, name: str
) -> None:
    place = tmp_path / name
    async with (
        EchoServer() as server,
        running(loop_name, server.port, "--record", str(place)) as relay,
        relay.client() as open_one,
    ):
        said = [f"message {n}" for n in range(100)]
        assert await converse("127.0.0.1", relay.port, said) == said
        await open_one.open()
        await open_one.echo(b"still open")
        relay.send_signal(number)
        await open_one.until_dropped()
        assert await relay.ended() == 0
    first, second = sorted(read_sessions([place], pytest.fail), key=lambda one: len(one.records))
    assert texts_of(first.records) == ["still open"] * 2
    assert sorted(texts_of(second.records)) == sorted(said * 2)
    for session in (first, second):
        assert types(session.records)[-1] == "session-end"


async def test_pages_and_nothing_at_all_leave_an_empty_folder(
    loop_name: str, tmp_path: Path
) -> None:
    place = tmp_path / "folder"
    async with (
        EchoServer() as server,
        running(loop_name, server.port, "-q", "--record", str(place)) as relay,
        relay.client() as page,
    ):
        await page.send(b"GET /demo.html HTTP/1.1\r\nHost: example.com\r\n\r\n")
        await page.rest()
        relay.send_signal(signal.SIGTERM)
        assert await relay.ended() == 0
    assert files_in(place) == []


@pytest.mark.parametrize("secrets", [False, True])
async def test_secrets(loop_name: str, tmp_path: Path, secrets: bool) -> None:
    path = tmp_path / "all.jsonl"
    more = ["--record-secrets"] if secrets else []
    async with (
        EchoServer() as server,
        running(loop_name, server.port, "--json", "--record", str(path), *more) as relay,
        relay.client() as client,
    ):
        await client.send(b"GET /chat?token=hidden HTTP/1.1\r\nCookie: a=hidden\r\n\r\n")
        await client.rest()
        shown = await relay.stop()
    assert "hidden" not in json.dumps(shown)
    header = read(path)[0]
    assert isinstance(header, RecordingRecord)
    assert header.redacted is not secrets
    assert (b"hidden" in path.read_bytes()) is secrets


@pytest.mark.parametrize("output", [["--json"], [], ["-q"]], ids=["json", "console", "quiet"])
async def test_a_full_disk_is_shown(loop_name: str, small_disk: Path, output: list[str]) -> None:
    async with (
        EchoServer() as server,
        running(loop_name, server.port, *output, "--record", str(small_disk)) as relay,
        relay.client() as client,
    ):
        await client.open()
        for number in range(100):
            await client.echo((b"%d" % number).zfill(10_000))
        shown = b""
        async for line in relay.lines():
            shown += line
            if b"No space left on device" in shown:
                break
        if output == ["--json"]:
            assert json.loads(line)["code"] == "recording-stopped"
        await client.echo(b"and on")
        relay.send_signal(signal.SIGTERM)
        assert await relay.ended() == 0
    (path,) = files_in(small_disk)
    assert 1 < len(texts_of(read(path))) < 50
