"""The fixture `ws76_server`, in a run of pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .tape import CHAT, recorded, write

PATIENCE = 60
ROOT = Path(__file__).parents[2]

# A client without an event loop, as somebody else's tests may have.
TESTS = """
import socket

HEAD = (
    b"GET /chat?room=1 HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: WebSocket\\r\\nConnection: Upgrade\\r\\n"
    b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\\r\\n"
    b"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\\r\\n\\r\\n"
    b"^n:ds[4U"
)


def converse(url, first):
    host, port = url.removeprefix("ws://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(HEAD)
        received = connection.makefile("rb")
        while received.readline() != b"\\r\\n":
            pass
        assert received.read(16) == b"8jKS'y:G*Co,Wxa-"
        connection.sendall(b"\\0" + first + b"\\xff")
        if received.read(5) == b"\\0ONE\\xff":
            connection.sendall(b"\\0two\\xff")
            assert received.read(5) == b"\\0TWO\\xff"
            connection.sendall(b"\\xff\\0")
            assert received.read() == b"\\xff\\0"


def test_same(ws76_server):
    server = ws76_server("chat.ws76.jsonl")
    converse(server.url, b"one")
    converse(server.url, b"one")


def test_other(ws76_server):
    converse(ws76_server("chat.ws76.jsonl").url, b"uno")


def test_silent_client(ws76_server):
    ws76_server("chat.ws76.jsonl")


def test_looks_itself(ws76_server):
    server = ws76_server("chat.ws76.jsonl", loose=True, timing="fast", check=False)
    converse(server.url, b"uno")
    server.stop()
    assert [one.kind for one in server.differences] == ["different"]


def test_nothing_to_play(ws76_server):
    ws76_server([])


def test_without_it():
    import sys

    assert "ws76proxy.replay.server" in sys.modules or not any(
        name.startswith("ws76proxy.replay") for name in sys.modules
    )
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest, with no plugin but ours, and every warning an error."""
    plugin = ["-p", "ws76proxy.pytest_plugin", "-p", "no:cacheprovider", "-W", "error"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, "-v", "-rf", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "chat.ws76.jsonl", recorded(*CHAT))
    (tmp_path / "test_it.py").write_text(TESTS)
    return tmp_path


def test_clients_are_judged_at_the_end_of_their_test(folder: Path) -> None:
    done = run(folder)
    results = {
        line.split("::")[1].split()[0]: line.split()[1]
        for line in done.stdout.splitlines()
        if line.startswith("test_it.py::")
    }
    assert results["test_same"] == "PASSED", done.stdout
    assert results["test_silent_client"] == "PASSED"
    assert results["test_looks_itself"] == "PASSED"
    assert results["test_nothing_to_play"] == "FAILED"
    assert "ERROR at teardown of test_other" in done.stdout
    assert "chat.ws76.jsonl, line 5" in done.stdout
    assert 'got      "uno"' in done.stdout


def test_who_does_not_use_it_does_not_import_it(folder: Path) -> None:
    done = run(folder, "-k", "test_without_it")
    assert done.returncode == 0, done.stdout


def test_it_is_found_by_pytest() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"ws76proxy": "ws76proxy.pytest_plugin"}
