"""`ws76proxy show` in a terminal: colours, the pager, progress."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.console import sample_records as sample
from tests.console.screen import without_colour
from tests.recording.recordings import write

from .commands import PATIENCE

ROWS, COLUMNS = 24, 90


def on_terminal(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run `show` with standard input, output and error on a terminal; what is seen there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    inherited = {name: text for name, text in os.environ.items() if name not in _DECIDING}
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "ws76proxy", "show", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**inherited, "TERM": "xterm-256color", "PYTHONUTF8": "1", **environment},
    ) as process:
        os.close(theirs)
        seen = bytearray()
        try:
            while piece := os.read(ours, 65536):
                seen += piece
        except OSError:
            # This is how Linux says that nobody has the terminal any more.
            pass
        status = process.wait(PATIENCE)
    os.close(ours)
    return status, seen.decode().replace("\r\n", "\n")


_DECIDING = {"NO_COLOR", "FORCE_COLOR", "PAGER", "LESS", "COLUMNS", "LINES", "TERM"}


@pytest.fixture
def long(tmp_path: Path) -> str:
    sessions = [record for number in range(1, 200) for record in sample.old_session(number)]
    return str(write(tmp_path / "long.ws76.jsonl", sessions))


@pytest.fixture
def paged(tmp_path: Path) -> Path:
    """Where the pager keeps what it got."""
    return tmp_path / "paged"


def test_what_is_longer_than_a_screen_is_paged(long: str, paged: Path) -> None:
    status, seen = on_terminal(long, PAGER=f"tee {paged}")
    assert status == 0
    assert paged.read_text() == seen
    assert seen.count("hello") == 199


def test_colours_reach_less(long: str, tmp_path: Path) -> None:
    pager = tmp_path / "less"
    pager.write_text('#!/bin/sh\necho "options $LESS"\ncat\n')
    pager.chmod(0o755)
    status, seen = on_terminal(long, PAGER=str(pager))
    assert status == 0
    assert "options -R" in seen
    assert "\x1b[" in seen


def test_without_colours(long: str, paged: Path) -> None:
    status, seen = on_terminal(long, PAGER=f"tee {paged}", NO_COLOR="1")
    assert status == 0
    assert "\x1b" not in seen


@pytest.mark.parametrize("flags", [["--session", "1", "--grep", "hello"], ["--no-pager"]])
def test_what_needs_no_pager(long: str, paged: Path, flags: list[str]) -> None:
    status, seen = on_terminal(long, *flags, PAGER=f"tee {paged}")
    assert status == 0
    assert not paged.exists()
    assert "hello" in seen
    assert "\x1b[" in seen


@pytest.mark.parametrize("flags", [[], ["--summary"]])
def test_no_line_is_wider_than_the_terminal(long: str, flags: list[str]) -> None:
    _, seen = on_terminal(long, "--no-pager", *flags)
    assert all(len(line) <= COLUMNS for line in without_colour(seen).split("\n"))


def test_a_pager_that_is_left_early(long: str) -> None:
    status, seen = on_terminal(long, PAGER="head -n 3")
    assert status == 0
    assert seen.count("\n") == 3


def test_faults_are_said_when_the_pager_is_done(long: str, paged: Path) -> None:
    with Path(long).open("ab") as file:
        file.write(b"{nonsense\n")
    status, seen = on_terminal(long, PAGER=f"tee {paged}")
    assert status == 2
    assert seen.startswith(paged.read_text())
    assert long in seen.removeprefix(paged.read_text()).replace("\n", "")


def test_progress_leaves_nothing_behind(long: str, tmp_path: Path) -> None:
    # Impatient: the bar is there from the first block on.
    (tmp_path / "sitecustomize.py").write_text(
        "import ws76proxy.cli.progress\nws76proxy.cli.progress._PATIENCE = 0\n"
    )
    root = str(Path(__file__).parents[2])
    python_path = os.pathsep.join([str(tmp_path), root])
    status, seen = on_terminal(long, "--grep", "never said", PYTHONPATH=python_path)
    assert status == 0
    assert "reading long.ws76.jsonl" in without_colour(seen)
    # It erases its line and shows the cursor again.
    assert seen.rindex("\x1b[2K") > seen.rindex("reading")
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")
