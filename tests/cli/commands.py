"""Runs the command line as a user does: in the tests' own process, or in one of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from unittest import mock

from ws76proxy.cli import main

PATIENCE = 60
# An upstream for command lines that never get as far as connecting.
UPSTREAM = "ws://127.0.0.1:9"
# Python has read these when it has started: no test can set them here.
_READ_AT_START = ("PYTHON", "LC_", "LANG")
# What a pipe is taken to be, even where the tests themselves are seen on a terminal.
_PIPE = {"COLUMNS": "80"}


def ws76proxy(
    *arguments: str, environment: dict[str, str] | None = None, standard_input: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """`ws76proxy` with these arguments, to its end, called here: a process takes a second to
    start. What a process prints as a traceback is an exception in the test.

    For commands that end on their own. What is about the process needs one: `in_a_process`.
    """
    given = environment or {}
    assert not [name for name in given if name.startswith(_READ_AT_START)]
    out, err = io.BytesIO(), io.BytesIO()
    stdin = io.TextIOWrapper(io.BytesIO(standard_input), encoding="utf-8")
    stdout = io.TextIOWrapper(out, encoding="utf-8")
    stderr = io.TextIOWrapper(err, encoding="utf-8", errors="backslashreplace")
    with (
        _nothing_left_changed(),
        mock.patch.dict(os.environ, {**_PIPE, **given}),
        mock.patch.object(sys, "stdin", stdin),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        status = _status([*arguments])
    stdout.flush()
    stderr.flush()
    return subprocess.CompletedProcess(
        ["ws76proxy", *arguments], status, _as_read(out), _as_read(err)
    )


def in_a_process(
    *arguments: str | bytes, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own. What leaves a resource open is an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "ws76proxy", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
        env={**os.environ, **(environment or {})},
    )


def records(output: str) -> list[dict[str, Any]]:
    """The records in what `--json` printed. Not `splitlines`: texts may hold other line ends."""
    *lines, rest = output.split("\n")
    assert rest == ""
    return [json.loads(line) for line in lines]


def _status(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        raise


def _as_read(written: io.BytesIO) -> str:
    """As `subprocess` reads text: each line end is a line feed."""
    return io.TextIOWrapper(io.BytesIO(written.getvalue()), encoding="utf-8").read()


@contextlib.contextmanager
def _nothing_left_changed() -> Iterator[None]:
    """Some commands raise the limit on open files; one that changes more needs its own process."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = _of_the_process()
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, files)
    assert _of_the_process() == before


def _of_the_process() -> list[object]:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    return [*handlers, signal.getsignal(signal.SIGPIPE), os.getcwd(), sys.argv, sys.excepthook]  # noqa: PTH109 - as the system says it
