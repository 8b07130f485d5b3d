"""`ws76proxy relay --interactive`, in a terminal, with a script as the editor."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from .ends import End, connecting, conversing, serving
from .handshakes import frame
from .pausing import rule_file

_CONTROL = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[=>])|\r")

# The relay's own loop is what counts, and it has a process of its own.
ONE_LOOP = pytest.mark.parametrize("loop_name", ["asyncio"])


class Terminal:
    """What a person sees, and types."""

    def __init__(self, number: int, child: asyncio.subprocess.Process) -> None:
        self._number = number
        self.child = child
        self._raw = b""
        self._changed = asyncio.Event()
        self._read_to = 0
        self.port = 0
        asyncio.get_running_loop().add_reader(number, self._read)

    def _read(self) -> None:
        try:
            piece = os.read(self._number, 65_536)
        except OSError:
            # This is how Linux says that nobody has the terminal any more.
            piece = b""
        if not piece:
            asyncio.get_running_loop().remove_reader(self._number)
        self._raw += piece
        self._changed.set()

    @property
    def text(self) -> str:
        """All that was ever shown, without what moves and colours it."""
        return _CONTROL.sub("", self._raw.decode(errors="replace"))

    async def until(self, pattern: str) -> re.Match[str]:
        """Wait until something is shown behind what was waited for before."""
        while True:
            self._changed.clear()
            match = re.compile(pattern).search(self.text, self._read_to)
            if match is not None:
                self._read_to = match.end()
                return match
            await self._changed.wait()

    def stall(self) -> None:
        """Show nothing more."""
        asyncio.get_running_loop().remove_reader(self._number)

    def type(self, text: str) -> None:
        """Type a line."""
        self.press(text + "\r")

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._number, keys.encode())

    @property
    def modes(self) -> list[Any]:
        """How the terminal treats what is typed."""
        return termios.tcgetattr(self._number)

    def client(self) -> contextlib.AbstractAsyncContextManager[End]:
        """A client of the relay."""
        return connecting(self.port)


class Editor:
    """A script, steered by files of the test."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "editor"
        self.begun = folder / "begun"
        self.go = folder / "go"
        self.result = folder / "result"
        (folder / "temporary").mkdir()
        self.temporary = folder / "temporary"
        self.does(f'cp "{self.result}" "$1"')

    def does(self, script: str) -> None:
        """Say that it has begun, wait for the test, and do this."""
        self.path.write_text(
            f'#!/bin/sh\necho $$ > "{self.begun}"\n'
            f'while ! test -e "{self.go}"; do sleep 0.01; done\n{script}\n'
        )
        self.path.chmod(0o755)

    async def until_begun(self) -> int:
        """Wait for it; its process."""
        while not (self.begun.exists() and self.begun.read_text().endswith("\n")):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return int(self.begun.read_text())

    def leaves(self, content: bytes) -> None:
        """Let it end, with this in the file."""
        self.result.write_bytes(content)
        self.go.touch()


@pytest.fixture
def editor(tmp_path: Path) -> Editor:
    return Editor(tmp_path)


@contextlib.asynccontextmanager
async def interactive(
    loop_name: str, port: int, editor: Editor, *arguments: str, columns: int = 100
) -> AsyncIterator[Terminal]:
    """A relay with a prompt, in a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    before = termios.tcgetattr(theirs)
    rules = rule_file(editor.path.parent)
    command = [sys.executable, "-W", "error", "-m", "ws76proxy", "relay", f"ws://127.0.0.1:{port}"]
    command += ["--listen", "127.0.0.1:0", "--loop", loop_name, "--interactive"]
    deciding = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "VISUAL"}
    inherited = {name: text for name, text in os.environ.items() if name not in deciding}
    child = await asyncio.create_subprocess_exec(
        *[*command, "--rules", str(rules), *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={
            **inherited,
            "TERM": "xterm-256color",
            "PYTHONUTF8": "1",
            "EDITOR": str(editor.path),
            "TMPDIR": str(editor.temporary),
        },
    )
    terminal = Terminal(ours, child)
    try:
        terminal.port = int((await terminal.until(r"listening on ws://.*:(\d+)"))[1])
        await terminal.until("ws76proxy>")
        yield terminal
        await child.wait()
        assert termios.tcgetattr(theirs) == before
        assert [*editor.temporary.iterdir()] == []
        assert "Traceback" not in terminal.text
        assert "Warning" not in terminal.text
    except BaseException:
        print(terminal.text[-5000:])
        raise
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
        os.close(theirs)


async def test_edit_in_the_editor_while_all_else_goes_on(loop_name: str, editor: Editor) -> None:
    async with (
        serving() as server,
        interactive(loop_name, server.port, editor) as terminal,
        conversing(terminal, server) as (client, upstream),
        conversing(terminal, server) as (other_client, other_upstream),
    ):
        await upstream.send(frame(b'{"price": 1}'))
        await terminal.until(r"\(1 waiting\)>")
        terminal.type("edit 1.1")
        await editor.until_begun()
        await client.send(frame(b"a word"))
        assert await upstream.receive(8) == frame(b"a word")
        await other_upstream.send(frame(b"elsewhere"))
        assert await other_client.receive(11) == frame(b"elsewhere")
        # The editor has the terminal.
        assert "elsewhere" not in terminal.text
        editor.leaves(b'{"price": 2}\n')
        assert await client.receive(14) == frame(b'{"price": 2}')
        await terminal.until("elsewhere")
        await terminal.until('=> |⇒ {"price": 2}')
        await terminal.until("ws76proxy>")
        terminal.type("quit")
        assert await terminal.child.wait() == 0


async def test_commands(loop_name: str, editor: Editor) -> None:
    async with (
        serving() as server,
        interactive(loop_name, server.port, editor, "--quiet") as terminal,
        conversing(terminal, server) as (client, upstream),
    ):
        terminal.type("list")
        await terminal.until("nothing waits")
        terminal.type("edit")
        await terminal.until("nothing waits")
        await upstream.send(b"".join(frame(b"price %d" % number) for number in range(1, 6)))
        # With --quiet nobody else says what waits.
        await terminal.until("1.1 .*server.*message 1, 7 bytes")
        await terminal.until(r"\(5 waiting\)>")
        terminal.type("l")
        await terminal.until("1.5 .*ask about prices")
        terminal.type("show 1.2")
        await terminal.until("1.2 .*\n *price 2\n")
        terminal.type("sessions")
        await terminal.until("hixie-76 .* 5 +/demo")
        terminal.type("reles 1.1")
        await terminal.until("found 'reles'; expected one of list, show")
        terminal.type("show 1.9")
        await terminal.until("found 1.9, which does not wait")
        terminal.press("rel\t")
        await terminal.until("> ?release")
        terminal.press("1.\t1\r")
        await terminal.until("1.1 +released")
        assert await client.receive(9) == frame(b"price 1")
        terminal.type("d 1.2 1.77 1.3")
        await terminal.until("1.77, which does not wait")
        await terminal.until("1.3 +dropped")
        terminal.type("release all")
        assert await client.receive(18) == frame(b"price 4") + frame(b"price 5")
        await terminal.until("ws76proxy>")
        terminal.type("help")
        await terminal.until("edit +NAME +change it")
        terminal.press("\x04")
        assert await terminal.child.wait() == 0


CHANGE_NOTHING = [
    ("exit 3", "exit status 3: nothing changes, and 1.1 waits as before"),
    (': > "$1"', "empty file: nothing changes, and 1.1 waits as before"),
    ("true", "1.1 is unchanged, and waits as before"),
    (r'printf "\377" > "$1"', "0xFF.*: 1.1 waits as before"),
]


@ONE_LOOP
async def test_edits_that_change_nothing(editor: Editor) -> None:
    async with (
        serving() as server,
        interactive("auto", server.port, editor) as terminal,
        conversing(terminal, server) as (client, upstream),
    ):
        await upstream.send(frame(b"price 1"))
        await terminal.until(r"\(1 waiting\)>")
        editor.go.touch()
        for script, said in CHANGE_NOTHING:
            editor.does(script)
            terminal.type("edit 1.1")
            await terminal.until(said)
            await terminal.until(r"\(1 waiting\)>")
        terminal.type("release 1.1")
        assert await client.receive(9) == frame(b"price 1")
        terminal.type("quit")
        assert await terminal.child.wait() == 0


@ONE_LOOP
async def test_the_time_is_over_while_it_is_edited(editor: Editor) -> None:
    async with (
        serving() as server,
        interactive("auto", server.port, editor, "--pause-timeout", "0.7") as terminal,
        conversing(terminal, server) as (client, upstream),
    ):
        await upstream.send(frame(b"price 1"))
        await terminal.until(r"\(1 waiting\)>")
        terminal.type("edit 1.1")
        await editor.until_begun()
        assert await client.receive(9) == frame(b"price 1")
        editor.leaves(b"price 2")
        await terminal.until("1.1 has gone on while it was edited; the edit is not used")
        terminal.type("quit")
        assert await terminal.child.wait() == 0


def _interrupt(terminal: Terminal) -> None:
    terminal.press("\x03")


def _terminate(terminal: Terminal) -> None:
    terminal.child.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("stop", [_interrupt, _terminate])
async def test_the_end(loop_name: str, editor: Editor, stop: Callable[[Terminal], None]) -> None:
    async with (
        serving() as server,
        interactive(loop_name, server.port, editor) as terminal,
        conversing(terminal, server) as (client, upstream),
    ):
        await upstream.send(frame(b"price 1"))
        await terminal.until(r"\(1 waiting\)>")
        stop(terminal)
        assert await terminal.child.wait() == 0
        await terminal.until("the relay stops")
        await client.until_dropped()


async def test_the_end_while_a_message_is_edited(loop_name: str, editor: Editor) -> None:
    # As vi does: the terminal is not left as it was found by one that is ended.
    editor.path.write_text(f'#!/bin/sh\nstty raw -echo\necho $$ > "{editor.begun}"\nsleep 100\n')
    async with (
        serving() as server,
        interactive(loop_name, server.port, editor) as terminal,
        conversing(terminal, server) as (_, upstream),
    ):
        await upstream.send(frame(b"price 1"))
        await terminal.until(r"\(1 waiting\)>")
        terminal.type("edit 1.1")
        process = await editor.until_begun()
        # Ctrl-C is the editor's just now.
        terminal.child.send_signal(signal.SIGINT)
        terminal.child.send_signal(signal.SIGINT)
        await upstream.send(frame(b"still here"))
        terminal.child.send_signal(signal.SIGTERM)
        assert await terminal.child.wait() == 0
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


@ONE_LOOP
async def test_a_narrow_terminal_and_long_messages(editor: Editor) -> None:
    async with (
        serving() as server,
        interactive("auto", server.port, editor, "--quiet", columns=40) as terminal,
        conversing(terminal, server) as (client, upstream),
    ):
        text = b"price " + "\x1b[2J😀".encode() * 50_000
        await upstream.send(frame(text))
        await terminal.until(r"\(1 waiting\)>")
        terminal.type("list")
        await terminal.until('rule "ask about prices"\n +price .*…\n')
        # Nothing of a message commands the terminal.
        assert b"\x1b[2J" not in terminal._raw
        terminal.type("show 1.1")
        await terminal.until("more characters")
        assert b"\x1b[2J" not in terminal._raw
        editor.does(f'cp "$1" "{editor.result}"; printf shorter > "$1"')
        terminal.type("edit 1.1")
        editor.go.touch()
        assert await client.receive(9) == frame(b"shorter")
        terminal.type("quit")
        assert await terminal.child.wait() == 0
    assert editor.result.read_bytes() == text


@ONE_LOOP
async def test_what_is_printed_meanwhile_is_above_the_prompt(
    editor: Editor, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "def on_message(message):\n"
        "    print('printed', message.text)\n"
        "    print('complained', file=sys.stderr)\n"
    )
    async with (
        serving() as server,
        interactive("auto", server.port, editor, "--script", str(script)) as terminal,
        conversing(terminal, server) as (_, upstream),
    ):
        terminal.press("half a comm")
        await terminal.until("half a comm")
        await upstream.send(frame(b"hello"))
        await terminal.until("printed hello\n")
        await terminal.until("complained\n")
        await terminal.until("ws76proxy> ?half a comm")
        terminal.press("\x15quit\r")
        assert await terminal.child.wait() == 0


@ONE_LOOP
async def test_a_terminal_that_shows_nothing_any_more(editor: Editor) -> None:
    async with (
        serving() as server,
        interactive("auto", server.port, editor) as terminal,
        conversing(terminal, server) as (client, upstream),
    ):
        terminal.stall()
        # More than a terminal takes, and less than what may wait for it.
        for number in range(1000):
            text = b"%d " % number + b"x" * 500
            await upstream.send(frame(text))
            assert await client.receive(len(text) + 2) == frame(text)
        terminal.child.send_signal(signal.SIGTERM)
        # The last lines are waited for, not for ever.
        assert await terminal.child.wait() == 0
