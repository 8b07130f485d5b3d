"""`ws76proxy explain`: exit statuses, standard input, options, and what a terminal shows."""

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

from tests.console.screen import without_colour
from tests.explain.captures import capture, trimming
from tests.explain.handshakes import DRAFT, SAMPLES
from ws76proxy.diagnosis import CATALOGUE, Severity

from .commands import PATIENCE, ws76proxy


def write(folder: Path, name: str) -> list[str]:
    """A sample as two files."""
    sample = SAMPLES[name]
    paths = [folder / "client.bytes", folder / "server.bytes"]
    for path, data in zip(paths, (sample.client, sample.server), strict=True):
        path.write_bytes(data)
    return [str(path) for path in paths]


def worst(name: str) -> Severity:
    ranks = list(Severity)
    return min((CATALOGUE[code].severity for code in SAMPLES[name].expect), key=ranks.index)


@pytest.mark.parametrize("level", ["error", "warning", "info"])
@pytest.mark.parametrize(
    "name", ["sound-76", "digest-wrong", "request-connection-list", "status-without-text"]
)
def test_exit_status(tmp_path: Path, name: str, level: str) -> None:
    ranks = list(Severity)
    done = ws76proxy("explain", "--fail-on", level, *write(tmp_path, name))
    assert done.stderr == ""
    assert done.returncode == int(ranks.index(worst(name)) <= ranks.index(Severity(level)))
    assert "verdict" in done.stdout


def test_ignored_findings_do_not_count(tmp_path: Path) -> None:
    files = write(tmp_path, "digest-wrong")
    assert ws76proxy("explain", *files).returncode == 1
    done = ws76proxy("explain", "--ignore", "digest-wrong", *files)
    assert done.returncode == 0
    assert "digest-wrong" not in done.stdout


def test_standard_input() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "ws76proxy", "explain", "-"],
        input=DRAFT[0] + DRAFT[1],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0
    assert "digest verified" in done.stdout.decode()
    assert "standard input" in done.stdout.decode()


def test_a_pipe() -> None:
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "wb") as pipe:
        pipe.write(DRAFT[0] + DRAFT[1])
    done = subprocess.run(
        [sys.executable, "-m", "ws76proxy", "explain", f"/dev/fd/{ours}"],
        pass_fds=[ours],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    os.close(ours)
    assert done.returncode == 0
    assert "digest verified" in done.stdout.decode()


def test_half_of_it_on_standard_input(tmp_path: Path) -> None:
    client = tmp_path / "client"
    client.write_bytes(DRAFT[0])
    done = ws76proxy("explain", str(client), "-", standard_input=DRAFT[1])
    assert "digest verified" in done.stdout


def test_a_recording_is_not_read_from_standard_input(tmp_path: Path) -> None:
    file = capture(tmp_path / "a.pcap", trimming(1)[0])
    done = ws76proxy("explain", "-", standard_input=file.read_bytes())
    assert done.returncode == 2
    assert "standard input" in done.stderr


def test_whatever_a_server_answers_is_explained(tmp_path: Path) -> None:
    files = write(tmp_path, "sound-76")
    Path(files[1]).write_bytes(b"\x15\x03\x01\x00\x02\x02\x46")
    done = ws76proxy("explain", *files)
    assert done.returncode == 1
    assert "response-tls" in done.stdout


def test_verbose_shows_both_heads(tmp_path: Path) -> None:
    done = ws76proxy("explain", "-v", *write(tmp_path, "sound-76"))
    assert "GET /demo?room=1 HTTP/1.1\\r\\n" in done.stdout
    assert "HTTP/1.1 101 WebSocket Protocol Handshake\\r\\n" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["digest-wron"], "digest-wrong"),
        (["--ignore", "digest-wron", "FILE"], "digest-wrong"),
        (["--ignore", "nonsense", "FILE"], "'nonsense'; expected a finding's code"),
        (["--fail-on", "good", "FILE"], "error"),
        (["--json", "--markdown", "FILE"], "one of them"),
        (["digest-wrong", "FILE"], "codes alone"),
        (["-", "-"], "twice"),
        (["FILE", "--unknown"], "--unknown"),
    ],
)
def test_wrong_usage(arguments: list[str], expected: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(DRAFT[0])
    done = ws76proxy("explain", *(str(file) if one == "FILE" else one for one in arguments))
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert expected in line


def on_terminal(columns: int, *arguments: str) -> tuple[int, str]:
    """What is seen where standard output and error are a terminal so wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    deciding = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TERM"}
    inherited = {name: text for name, text in os.environ.items() if name not in deciding}
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "ws76proxy", "explain", "--no-pager", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**inherited, "TERM": "xterm-256color", "PYTHONUTF8": "1"},
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


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", ["digest-little-endian", "key1-number-too-large", "sound-76"])
def test_no_line_is_wider_than_the_terminal(tmp_path: Path, columns: int, name: str) -> None:
    _, seen = on_terminal(columns, *write(tmp_path, name))
    assert "\x1b[" in seen
    lines = without_colour(seen).splitlines()
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize("columns", [80, 120])
def test_the_summary_fits_the_terminal(tmp_path: Path, columns: int) -> None:
    file = capture(tmp_path / "all.pcap", trimming(40)[0])
    status, seen = on_terminal(columns, str(file))
    lines = without_colour(seen).splitlines()
    summary = lines[next(n for n, line in enumerate(lines) if "40 sessions" in line) :]
    assert status == 1
    assert max(map(len, summary)) <= columns
