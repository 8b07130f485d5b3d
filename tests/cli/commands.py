"""Runs the command line as a user does: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

PATIENCE = 60
# An upstream for command lines that never get as far as connecting.
UPSTREAM = "ws://127.0.0.1:9"


def ws76proxy(
    *arguments: str | bytes, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`ws76proxy` with these arguments, to its end. What leaves a resource open is an error."""
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
