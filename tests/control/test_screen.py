"""The terminal that a prompt shares: bounded, in order, and never waited for."""

from __future__ import annotations

import asyncio
import os
import pty
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from ws76proxy.control.screen import Screen
from ws76proxy.errors import UsageError


class Seen:
    """The other side of the terminal."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.text = b""

    def until(self, text: bytes) -> bytes:
        """Everything up to this."""
        while text not in self.text:
            self.text += os.read(self.number, 65_536)
        end = self.text.index(text) + len(text)
        seen, self.text = self.text[:end], self.text[end:]
        return seen


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    ours, theirs = pty.openpty()
    # Line ends as they are written.
    tty.setraw(theirs)
    with os.fdopen(theirs, "r") as reading, os.fdopen(os.dup(theirs), "w") as writing:
        monkeypatch.setattr("sys.__stdin__", reading)
        monkeypatch.setattr("sys.__stdout__", writing)
        yield Seen(ours)
    os.close(ours)


async def test_lines_come_as_they_were_written(seen: Seen) -> None:
    screen = Screen()
    screen.start(lambda: None)
    screen.say("one\ntw")
    screen.write(b"o\nthree")
    assert await asyncio.to_thread(seen.until, b"two\n") == b"one\ntwo\n"
    screen.stop()
    # A line without an end waits for it, but not for ever.
    assert seen.until(b"three") == b"three"
    screen.close()


async def test_what_is_printed_from_a_thread(seen: Seen) -> None:
    screen = Screen()
    screen.start(lambda: None)
    with screen.instead_of_standard_output():
        await asyncio.to_thread(print, "from", "a thread")
    assert await asyncio.to_thread(seen.until, b"\n") == b"from a thread\n"
    screen.stop()
    screen.close()


async def test_while_the_terminal_is_lent_the_newest_is_kept(seen: Seen) -> None:
    screen = Screen(limit=1000)
    screen.start(lambda: None)
    screen.say("before\n")
    async with screen.lent():
        assert screen.is_lent
        # All that was to be shown is, before another program has the terminal.
        assert os.read(seen.number, 100) == b"before\n"
        for number in range(1000):
            screen.say(f"line {number:4}\n")
        # Nobody waits for somebody who edits.
        assert not screen.is_full
    shown = await asyncio.to_thread(seen.until, b"line  999\n")
    note, *lines = shown.splitlines()
    assert lines == [b"line %4d" % number for number in range(900, 1000)]
    assert b"900 lines" in note
    screen.stop()
    screen.close()


async def test_nobody_waits_for_a_terminal(seen: Seen) -> None:
    drained = asyncio.Event()
    loop = asyncio.get_running_loop()
    screen = Screen(limit=100_000)

    def drain() -> None:
        loop.call_soon_threadsafe(drained.set)

    screen.start(drain)
    text = b"x" * 99 + b"\n"
    while not screen.is_full:
        screen.write(text * 100)
        await asyncio.sleep(0)
    # The prompt's own drawing goes the same way.
    screen.output.write("prompt")
    screen.output.flush()
    await asyncio.to_thread(seen.until, b"prompt")
    await drained.wait()
    assert screen.is_empty
    screen.stop()
    screen.close()


def test_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "file").open("w+") as file:
        monkeypatch.setattr("sys.__stdin__", file)
        with pytest.raises(UsageError, match="no terminal"):
            Screen()
    monkeypatch.setattr("sys.__stdin__", None)
    with pytest.raises(UsageError, match="no terminal"):
        Screen()
