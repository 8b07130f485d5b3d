"""`ws76proxy demo`: the README's first command."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest

from .commands import PATIENCE, in_a_process, records


@pytest.fixture(
    params=[
        "asyncio",
        pytest.param(
            "uvloop",
            marks=pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is missing"),
        ),
    ]
)
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Has the demo run on that loop: it takes uvloop where it finds it."""
    if request.param == "uvloop":
        return {}
    (tmp_path / "uvloop.py").write_text("raise ImportError('hidden by a test')\n")
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}


def test_demo(environment: dict[str, str]) -> None:
    done = in_a_process("demo", environment=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "digest verified" in done.stdout
    assert "Grüße, 世界, ☃" in done.stdout
    assert "not-for-your-eyes" not in done.stdout


def test_demo_verbose(environment: dict[str, str]) -> None:
    done = in_a_process("demo", "-v", environment=environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_demo_in_a_terminal_that_knows_nothing_but_ascii(environment: dict[str, str]) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "NO_COLOR": "1"}
    done = in_a_process("demo", environment={**environment, **plain})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "digest verified" in done.stdout


def test_demo_as_json(environment: dict[str, str]) -> None:
    done = in_a_process("demo", "--json", environment=environment)
    assert (done.returncode, done.stderr) == (0, "")
    told = records(done.stdout)
    assert told[0]["type"] == "session-start"
    assert told[-1]["type"] == "session-end"
    assert told[-1]["verdict"] == "verified"
    assert sum(record["type"] == "message" for record in told) == 6


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_demo_serve(environment: dict[str, str], number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "ws76proxy", "demo", "--serve"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **environment},
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        assert demo.stderr.readline().startswith("listening on ws://127.0.0.1:")
        match = re.search(r"open (http://\S+)", demo.stderr.readline())
        assert match is not None
        with urllib.request.urlopen(match[1], timeout=PATIENCE) as page:  # noqa: S310 - ours
            assert page.status == 200
            assert "WebSocket" in page.read().decode()
        demo.send_signal(number)
        assert demo.wait(PATIENCE) == 0
        assert "GET /demo.html" in demo.stdout.read()
        assert demo.stderr.read() == ""
