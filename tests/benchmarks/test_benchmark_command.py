"""`python -m benchmarks`: what it runs, what it says, and how it fails."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.build import BuildError, Programs, build
from benchmarks.relays import RELAYS, Relay

BRIEF = ("--rounds", "1", "--seconds", "0.05")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return command.run()


def fake(monkeypatch: pytest.MonkeyPatch, relay: Relay) -> None:
    monkeypatch.setitem(RELAYS, relay.name, relay)


def script(source: str) -> tuple[str, ...]:
    return (sys.executable, "-c", source)


def test_a_run_with_its_table(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    programs: Programs,
) -> None:
    figures, table = tmp_path / "run.json", tmp_path / "table.md"
    relays = ("--relays", "asyncio,direct", "--works", "W2,W5", "--rounds", "2")
    files = ("--json", str(figures), "--markdown", str(table))
    assert run(monkeypatch, *BRIEF, *relays, *files) == 0
    shown = capsys.readouterr()
    assert "asyncio" in shown.out
    assert shown.err.count("round 2") == 4
    told = json.loads(figures.read_text())
    cells = {(cell["relay"], cell["work"]): cell for cell in told["results"]}
    assert set(cells) == {(relay, work) for relay in ("direct", "asyncio") for work in ("W2", "W5")}
    assert all(len(cell["rounds"]) == 2 and not cell["failure"] for cell in cells.values())
    assert all(result["peak"] > 1 for result in cells["asyncio", "W5"]["rounds"])
    assert "| asyncio pass-through | " in table.read_text()
    assert "(1.00)" in table.read_text()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise SystemExit('no such thing')", "ended with status 1: no such thing"),
        (
            "import sys, socket; s = socket.create_server(('127.0.0.1', 0));"
            "print(f'listening on ws://127.0.0.1:{s.getsockname()[1]}', file=sys.stderr);"
            "s.accept()[0].recv(1); raise SystemExit('fell over')",
            "ended with status 1: fell over",
        ),
        (
            "import sys, signal, socket; s = socket.create_server(('127.0.0.1', 0));"
            "print(f'listening on ws://127.0.0.1:{s.getsockname()[1]}', file=sys.stderr);"
            "c = s.accept()[0]; c.recv(999); c.sendall(b'HTTP/1.1 502 Bad Gateway\\r\\n\\r\\n');"
            "signal.pause()",
            "the handshake failed: the status is not 101",
        ),
    ],
    ids=["at once", "later", "refuses"],
)
def test_a_relay_that_fails(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    programs: Programs,
    source: str,
    why: str,
) -> None:
    fake(monkeypatch, Relay("broken", "a broken relay", script(source)))
    table = tmp_path / "table.md"
    options = ("--relays", "direct,broken", "--works", "W2", "--markdown", str(table))
    assert run(monkeypatch, *BRIEF, *options) == 1
    assert "failed: " in table.read_text()
    assert why in table.read_text()
    assert f"broken failed in W2: {why}" in capsys.readouterr().err.replace("connection 0: ", "")


def test_a_relay_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    programs: Programs,
) -> None:
    fake(monkeypatch, Relay("absent", "an absent relay", script("pass"), program="no-such-relay"))
    for relays in ("direct,absent", "absent"):
        assert run(monkeypatch, *BRIEF, "--relays", relays, "--works", "W2") == 0
        assert "no no-such-relay" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--works", "W1,W9"), "--works: 'W9' is none of W1, W2, W3, W3e, W4, W5"),
        (("--works", ","), "--works: expected some of W1, W2, W3, W3e, W4, W5"),
        (("--relays", "squid"), "--relays: 'squid' is none of direct, "),
        (("--rounds", "0"), "'--rounds'"),
        (("--seconds", "soon"), "'--seconds'"),
        (("--cpus", "all"), "'--cpus'"),
        (("--json", "/no/such/place"), "--json: cannot write /no/such/place: No such file"),
        (("extra",), "unexpected extra argument"),
    ],
)
def test_a_usage_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    assert run(monkeypatch, *arguments) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_no_compiler() -> None:
    with pytest.raises(BuildError, match="'no-such-cc' is not on the PATH"):
        build("no-such-cc")
