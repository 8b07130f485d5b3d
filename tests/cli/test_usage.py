"""Wrong usage: one line on standard error that says what was expected, exit status 2."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ws76proxy.cli import main

from .commands import UPSTREAM, in_a_process, ws76proxy

WRONG: list[tuple[list[str], str]] = [
    # Commands
    (["reley"], "relay"),
    (["reley", "--help"], "relay"),
    (["--verbose"], "--verbose"),
    (["demo", "surplus"], "surplus"),
    (["demo", "--listen", "nowhere"], "HOST:PORT"),
    (["relay"], "UPSTREAM"),
    (["relay", UPSTREAM, "surplus"], "surplus"),
    (["relay", UPSTREAM, "--unknown"], "--unknown"),
    (["relay", UPSTREAM, "--listen"], "--listen"),
    # Rules
    (["rules", "chek"], "chek"),
    (["rules", "check"], "FILE"),
    (["rules", "schema", "surplus"], "surplus"),
    # The probe
    (["probe"], "ws://HOST"),
    (["probe", UPSTREAM, "surplus"], "surplus"),
    (["probe", "http://example.com"], "ws://HOST[:PORT][/PATH]"),
    (["probe", "ws://"], "found no host"),
    (["probe", "ws://two..dots/x"], "ws://HOST"),
    (["probe", "ws://example.com/x#top"], "fragment"),
    (["probe", "ws://example.com/über"], "percent-encoded"),
    (["probe", "ws://example.com/a b"], "found a space"),
    (["probe", UPSTREAM, "--only", "76.nothing"], "--list"),
    (["probe", UPSTREAM, "--skip", "76.nothing"], "--list"),
    (["probe", UPSTREAM, "--skip", "*"], "found no case left"),
    (["probe", UPSTREAM, "--rate", "0"], "0<x<=1000"),
    (["probe", UPSTREAM, "--rate", "1001"], "0<x<=1000"),
    (["probe", UPSTREAM, "--concurrency", "0"], "1<=x<=64"),
    (["probe", UPSTREAM, "--timeout", "0"], "more than 0"),
    (["probe", UPSTREAM, "--timeout", "soon"], "expected seconds"),
    (["probe", UPSTREAM, "--origin", "http://ümlaut"], "expected an origin"),
    (["probe", UPSTREAM, "--origin", ""], "expected an origin"),
    (["probe", UPSTREAM, "--protocol", "a\r\nX: y"], "name of a subprotocol"),
    (["probe", UPSTREAM, "--header", "Cookie"], "Name: value"),
    (["probe", UPSTREAM, "--header", "Coo kie: a"], "Name: value"),
    (["probe", UPSTREAM, "--header", "Cookie: a\nb"], "Name: value"),
    (["probe", UPSTREAM, "--header", "host: a"], "--origin"),
    (["probe", UPSTREAM, "--header", "Sec-WebSocket-Key1: a"], "no part of the handshake"),
    (["probe", UPSTREAM, "--json", "a", "--junit", "a"], "a file for each"),
    (["probe", UPSTREAM, "--json", "."], "directory"),
    (["probe", UPSTREAM, "--insecure"], "wss://"),
    (["probe", UPSTREAM, "--ca-file", "KEY"], "wss://"),
    (["probe", "wss://example.com", "--insecure", "--ca-file", "KEY"], "one of them"),
    (["probe", "wss://example.com", "--ca-file", "KEY"], "expected PEM certificates"),
    # Breakpoints
    (["relay", UPSTREAM, "--interactive"], "without a terminal"),
    (["relay", UPSTREAM, "--interactive", "--json"], "one of them"),
    (["relay", UPSTREAM, "--control", "."], "no socket"),
    (["relay", UPSTREAM, "--control", "missing/folder"], "--control"),
    (["relay", UPSTREAM, "--control-clients", "3"], "without --control"),
    (["relay", UPSTREAM, "--pause-timeout", "3"], "--interactive"),
    (["relay", UPSTREAM, "--control", "x", "--pause-timeout", "0"], "more than 0"),
    (["held", "list"], "--control"),
    (["held", "list", "--control", "x", "--timeout", "0"], "more than 0"),
    (["held", "release", "--control", "x"], "--all"),
    (["held", "drop", "1.1", "--all", "--control", "x"], "one of them"),
    (["held", "edit", "1.1", "--text", "a", "--file", "-", "--control", "x"], "one of them"),
    (["held", "watch", "--records", "--control", "x"], "--json"),
    # Upstreams
    (["relay", "http://example.com"], "ws://HOST"),
    (["relay", "example.com:80"], "ws://HOST"),
    (["relay", "ws://"], "ws://HOST"),
    (["relay", ""], "ws://HOST"),
    (["relay", "ws://:80"], "ws://HOST"),
    (["relay", "ws://example.com:0"], "port 0"),
    (["relay", "ws://example.com:65536"], "ws://HOST"),
    (["relay", "ws://example.com:port"], "ws://HOST"),
    (["relay", "ws://example.com:-1"], "ws://HOST"),
    (["relay", "ws://example.com/chat"], "/chat"),
    (["relay", "ws://example.com?a=b"], "a=b"),
    (["relay", "ws://user:secret@example.com"], "user information"),
    (["relay", "ws://[::1"], "ws://HOST"),
    (["relay", "ws://exa mple.com"], "ws://HOST"),
    (["relay", "ws://two..dots"], "ws://HOST"),
    (["relay", "ws://" + "x" * 64 + ".example"], "ws://HOST"),
    # Addresses
    (["relay", UPSTREAM, "--listen", "8076"], "HOST:PORT"),
    (["relay", UPSTREAM, "--listen", "127.0.0.1:"], "HOST:PORT"),
    (["relay", UPSTREAM, "--listen", "127.0.0.1:-1"], "HOST:PORT"),
    (["relay", UPSTREAM, "--listen", "127.0.0.1:65536"], "65535"),
    (["relay", UPSTREAM, "--listen", "127.0.0.1:x"], "HOST:PORT"),
    (["relay", UPSTREAM, "--listen", "::1:8076"], "brackets"),
    (["relay", UPSTREAM, "--listen", "two..dots:0"], "HOST:PORT"),
    # Sizes
    (["relay", UPSTREAM, "--max-message", "0"], "expected bytes"),
    (["relay", UPSTREAM, "--max-message", "-1"], "expected bytes"),
    (["relay", UPSTREAM, "--max-message", "many"], "expected bytes"),
    (["relay", UPSTREAM, "--max-message", "1.5MiB"], "expected bytes"),
    (["relay", UPSTREAM, "--max-message", "9" * 30], "expected bytes"),
    (["relay", UPSTREAM, "--max-head", "64 furlongs"], "expected bytes"),
    (["relay", UPSTREAM, "--write-buffer", ""], "expected bytes"),
    # Durations
    (["relay", UPSTREAM, "--handshake-timeout", "0"], "more than 0"),
    (["relay", UPSTREAM, "--handshake-timeout", "-1"], "expected seconds"),
    (["relay", UPSTREAM, "--idle-timeout", "soon"], "expected seconds"),
    (["relay", UPSTREAM, "--idle-timeout", "nan"], "expected seconds"),
    (["relay", UPSTREAM, "--close-timeout", "inf"], "expected seconds"),
    (["relay", UPSTREAM, "--close-timeout", "0"], "more than 0"),
    # Numbers and choices
    (["relay", UPSTREAM, "--max-connections", "0"], "x>=1"),
    (["relay", UPSTREAM, "--max-connections", "-5"], "x>=1"),
    (["relay", UPSTREAM, "--max-connections", "many"], "many"),
    (["relay", UPSTREAM, "--challenge", "none"], "own"),
    (["relay", UPSTREAM, "--host", "other"], "keep"),
    (["relay", UPSTREAM, "--loop", "fast"], "asyncio"),
    # What does not go together
    (["relay", UPSTREAM, "-q", "-v"], "one of them"),
    (["relay", UPSTREAM, "--tls-key", "KEY"], "--tls-cert"),
    (["relay", UPSTREAM, "--ca-file", "KEY"], "wss://"),
    (["relay", UPSTREAM, "--insecure"], "wss://"),
    (["relay", "wss://example.com", "--insecure", "--ca-file", "KEY"], "one of them"),
    # Two dialects
    (["relay", UPSTREAM, "--server-dialect", "hixie-77"], "hixie-76"),
    (["relay", UPSTREAM, "--client-dialect", "same"], "auto"),
    (["relay", UPSTREAM, "--binary", "text"], "--server-dialect same"),
    (["relay", UPSTREAM, "--no-deflate"], "--server-dialect same"),
    (["relay", UPSTREAM, "--ping-interval", "20"], "--server-dialect same"),
    (["relay", UPSTREAM, "--subprotocol", "chat"], "--server-dialect same"),
    (["relay", UPSTREAM, "--server-dialect", "auto", "--subprotocol", ""], "printable"),
    (["relay", UPSTREAM, "--server-dialect", "auto", "--subprotocol", "a\nb"], "printable"),
    (["relay", UPSTREAM, "--server-dialect", "auto", "--ping-interval", "-1"], "expected seconds"),
    (["relay", UPSTREAM, "--server-dialect", "auto", "--binary", "keep"], "base64"),
    # A fleet
    (["relay", UPSTREAM, "--workers", "0"], "1<=x<=256"),
    (["relay", UPSTREAM, "--workers", "257"], "1<=x<=256"),
    (["relay", UPSTREAM, "--workers", "2", "--record", "all.jsonl"], "expected a folder"),
    (["relay", UPSTREAM, "--drain", "soon"], "expected seconds"),
    (["relay", UPSTREAM, "--drain-quiet", "2"], "--drain"),
    (["relay", UPSTREAM, "--metrics", "9100"], "HOST:PORT"),
    (["relay", UPSTREAM, "--proxy-protocol-from", "10.0.0.0/8"], "--proxy-protocol"),
    (["relay", UPSTREAM, "--proxy-protocol", "--proxy-protocol-from", "10.0.0.1/8"], "network"),
    (["relay", UPSTREAM, "--send-proxy-protocol", "v3"], "v2"),
    # Files
    (["relay", UPSTREAM, "--tls-cert", "missing.pem"], "missing.pem"),
    (["relay", UPSTREAM, "--tls-cert", "."], "directory"),
    (["relay", UPSTREAM, "--tls-cert", "KEY"], "expected a PEM certificate"),
    (["relay", UPSTREAM, "--tls-cert", "KEY", "--tls-key", "KEY"], "expected a PEM certificate"),
    (["relay", "wss://example.com", "--ca-file", "KEY"], "expected PEM certificates"),
    (["relay", "wss://example.com", "--ca-file", "EMPTY"], "expected PEM certificates"),
    (["relay", "wss://example.com", "--ca-file", "missing.pem"], "missing.pem"),
]


@pytest.mark.parametrize(("arguments", "expected"), WRONG, ids=lambda value: str(value)[:60])
def test_wrong_usage(
    arguments: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Nothing of it is as far as being served: so all of them run in this process.
    (tmp_path / "KEY").write_text("no PEM at all\n")
    (tmp_path / "EMPTY").touch()
    files = {name: str(tmp_path / name) for name in ("KEY", "EMPTY")}
    assert main([files.get(argument, argument) for argument in arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("ws76proxy")
    assert expected in line


def test_wrong_usage_is_the_exit_status() -> None:
    done = in_a_process("relay", UPSTREAM, "--max-connections", "0")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_arguments_that_are_no_text() -> None:
    done = in_a_process("relay", b"ws://\xff\xfe")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_a_loop_that_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "uvloop.py").write_text("raise ImportError('hidden by a test')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = in_a_process(
        "relay", UPSTREAM, "--loop", "uvloop", environment={"PYTHONPATH": path.rstrip(os.pathsep)}
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "expected pip install 'ws76proxy[fast]'" in line


def test_no_command_at_all_shows_them() -> None:
    done = in_a_process()
    assert done.returncode == 2
    assert done.stdout == ""
    assert "relay" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("loop_name", ["asyncio", "auto"])
@pytest.mark.parametrize(
    "command", [["relay", UPSTREAM], ["relay", UPSTREAM, "--workers", "2"], ["demo"]]
)
def test_a_port_in_use(command: list[str], loop_name: str) -> None:
    loop = ["--loop", loop_name] if command[0] == "relay" else []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = in_a_process if "--workers" in command else ws76proxy
        done = run(*command, "--listen", f"127.0.0.1:{port}", *loop)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert f"127.0.0.1:{port}" in line
    assert "address already in use" in line.lower()


@pytest.mark.parametrize("address", ["192.0.2.1:0", "[2001:db8::1]:0"])
def test_an_address_that_is_not_ours(address: str) -> None:
    done = ws76proxy("relay", UPSTREAM, "--listen", address)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ws76proxy: cannot listen on {address}: ")
