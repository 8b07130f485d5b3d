"""`ws76proxy show --follow`: a recording that grows, to Ctrl-C or to a reader that goes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.console import sample_records as sample
from tests.recording.recordings import as_lines, single, write

from .commands import PATIENCE

SESSION = [*single(sample.old_session(1))]


@contextmanager
def following(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "error", "-m", "ws76proxy", "show", "--follow", *arguments]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(process: subprocess.Popen[str], text: str) -> str:
    """The lines up to one that has this text; the test's own time limit ends the waiting."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"{text!r} never came, but {seen!r}")


def stopped(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> str:
    """Stop it; return what it still printed."""
    assert process.stdout is not None
    assert process.stderr is not None
    process.send_signal(number)
    rest = process.stdout.read()
    assert process.wait(PATIENCE) == 0
    assert process.stderr.read() == ""
    return rest


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_a_file_that_grows(tmp_path: Path, number: signal.Signals) -> None:
    path = write(tmp_path / "a.ws76.jsonl", SESSION[:-2])
    with following(str(path)) as process:
        # The handshake is whole: nothing has to follow it.
        assert "hixie-75" in until(process, "passed")
        line = as_lines(SESSION[-2:-1])
        append(path, line[:30])
        append(path, line[30:])
        until(process, "hello")
        append(path, as_lines(SESSION[-1:]))
        until(process, "server   3 messages")
        assert stopped(process, number).strip() == ""


def test_rotation(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ws76.jsonl", SESSION[:-2])
    with following(str(path)) as process:
        until(process, "passed")
        old = path.rename(tmp_path / "a-1.ws76.jsonl")
        write(path, SESSION[-2:], continues=old.name)
        until(process, "hello")
        stopped(process)


def test_a_folder(tmp_path: Path) -> None:
    with following(str(tmp_path)) as process:
        for number in (1, 2, 3):
            write(tmp_path / f"{number}.ws76.jsonl", sample.old_session(number))
            until(process, f"#{number}      0.500")
        stopped(process)


def test_summary(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ws76.jsonl", [*SESSION, *sample.handshake(2)])
    with following("--summary", str(path)) as process:
        until(process, "hixie-75")
        # A session that has not ended is summed up at the end.
        assert "hixie-76" in stopped(process)


def test_filters(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ws76.jsonl", SESSION[:-1])
    with following("--finding", "text-not-utf8", str(path)) as process:
        append(path, as_lines([*SESSION[-1:], *sample.good_session(2)]))
        assert "#1" not in until(process, "closed after")
        stopped(process)


def test_a_reader_that_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ws76.jsonl", SESSION)
    with following(str(path)) as process:
        until(process, "closed after")
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        # Nothing more is written to the file, and so nothing to the reader.
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""


def test_a_bad_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ws76.jsonl", SESSION[:-1])
    with following(str(path)) as process:
        until(process, "hello")
        assert process.stderr is not None
        append(path, b"{nonsense\n")
        assert f"{path}, line {len(SESSION) + 1}" in process.stderr.readline()
        append(path, as_lines(SESSION[-1:]))
        until(process, "closed after")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 2


@pytest.mark.parametrize("name", ["missing.jsonl", "a.pcap"])
def test_what_cannot_be_followed(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.pcap").write_bytes(b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + bytes(16))
    with following(str(tmp_path / name)) as process:
        assert process.wait(PATIENCE) == 2
        assert process.stderr is not None
        (line,) = process.stderr.read().splitlines()
        assert name in line
