"""`ws76proxy probe`: exit status, reports, and one line for what is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.probe import faulty
from tests.probe.serving import Running, listening, machine
from tests.probe.strict import StrictServer
from ws76proxy.probe import CASES

from .commands import PATIENCE, ws76proxy

FAST = ("--rate", "1000", "--timeout", "2")


@contextlib.contextmanager
def serving(server: type[StrictServer]) -> Iterator[Running]:
    """A server in a thread of this process."""
    started: list[Running] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def work() -> None:
        async with listening(machine(server)) as running:
            started.append(running)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(work()))
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
        loop.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server that does everything right, and takes everybody."""
    with serving(faulty.TakesEverybody) as running:
        yield running.target.url


def test_a_server_that_passes(url: str) -> None:
    done = ws76proxy("probe", url, "--only", "76.key3.*", *FAST)
    assert done.returncode == 0, done
    assert done.stdout.splitlines()[0].startswith(f"{url} · speaks hixie-76")
    assert "cases: 25 ok  in " in done.stdout
    assert done.stderr.splitlines() == [
        f"probing {url}: 25 cases, at most 1000 connections a second",
        "for servers of your own only: what is sent has brought servers down",
    ]


def test_non_strict_passes_unless_strict(url: str) -> None:
    done = ws76proxy("probe", url, "--only", "76.host.*", *FAST)
    assert done.returncode == 0, done
    assert "~ 76.host.foreign" in done.stdout
    done = ws76proxy("probe", url, "--only", "76.host.*", "--strict", *FAST)
    assert done.returncode == 1, done


def test_a_server_that_fails(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("run.json", "run.xml", "run.md")]
    with serving(faulty.TrimsKey3) as running:
        done = ws76proxy(
            *("probe", running.target.url, "--only", "76.key3.leading-*", "--name", "trims"),
            *("--json", str(files[0]), "--junit", str(files[1]), "--markdown", str(files[2])),
            *FAST,
        )
    assert done.returncode == 1, done
    assert "✗ 76.key3.leading-lf" in done.stdout
    told = json.loads(files[0].read_text(encoding="utf-8"))
    failed = {case["name"] for case in told["cases"] if case["verdict"] == "failed"}
    assert failed == {f"76.key3.leading-{what}" for what in ("cr", "lf", "crlf", "space", "tab")}
    assert (told["name"], told["passed"]) == ("trims", False)
    root = ElementTree.parse(files[1]).getroot()  # noqa: S314 - just written
    assert root.attrib["failures"] == "5"
    assert "found: trims" in files[2].read_text(encoding="utf-8")


def test_json_to_standard_output_is_all_that_is_there(url: str) -> None:
    done = ws76proxy("probe", url, "--only", "76.handshake.plain", "--json", "-", *FAST)
    assert done.returncode == 0, done
    assert json.loads(done.stdout)["passed"] is True


def test_what_the_client_says_is_sent() -> None:
    options = (
        *("--origin", "http://page.example", "--protocol", "chat", "--header", "Cookie: id=7"),
        *("--header", "X-Kiosk:3", "--no-echo", "--only", "76.handshake.plain", "--json", "-"),
    )
    with serving(faulty.OpensForEverybody) as running:
        done = ws76proxy("probe", running.target.url, *options, "--show-secrets", *FAST)
        hidden = ws76proxy("probe", running.target.url, *options, *FAST)
    sent = bytes.fromhex(json.loads(hidden.stdout)["cases"][0]["sent"])
    assert b"\r\nCookie: [redacted]\r\n" in sent
    assert b"id=7" not in sent
    sent = bytes.fromhex(json.loads(done.stdout)["cases"][0]["sent"])
    for line in (
        b"Origin: http://page.example",
        b"Sec-WebSocket-Protocol: chat",
        b"Cookie: id=7",
        b"X-Kiosk: 3",
    ):
        assert sent.count(b"\r\n" + line + b"\r\n") == 1


def test_the_cases_are_listed() -> None:
    done = ws76proxy("probe", "--list")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"\n{len(CASES)} cases\n")
    done = ws76proxy("probe", "--list", "--only", "75.*", "--skip", "75.frames.*")
    assert "75.end.tcp" in done.stdout
    assert "75.frames" not in done.stdout


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The line that says what is wrong, behind those that say what is done."""
    assert done.returncode == 2, done
    *_, line = done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    assert line.startswith("ws76proxy: ")
    return line


def test_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    line = one_line(ws76proxy("probe", f"ws://127.0.0.1:{port}/", *FAST))
    assert "expected a server there, found none: Connection refused" in line


class _Page(StrictServer):
    """An ordinary web server, whose status line commands a terminal."""

    def handshake(self) -> None:
        if b"\r\n\r\n" in self.buffer:
            self.out += b"HTTP/1.1 404 \x1b[31mNot Found\r\nContent-Length: 0\r\n\r\n"
            self.closed = True


def test_a_server_without_websockets() -> None:
    with serving(_Page) as running:
        done = ws76proxy("probe", running.target.url, *FAST)
    line = one_line(done)
    assert "expected 101 to a right opening handshake" in line
    assert '"HTTP/1.1 404 \\x1b[31mNot Found"' in line
    assert done.stdout == ""


class _Mute(StrictServer):
    """Opens, and does not echo."""

    def text(self, payload: bytes) -> None:
        return


def test_nothing_that_could_be_tried() -> None:
    with serving(_Mute) as running:
        done = ws76proxy(
            "probe", running.target.url, "--only", "76.frames.*", "--rate", "99", "--timeout", "0.2"
        )
    assert "no case could be tried: the server does not echo" in one_line(done)


def test_a_report_that_cannot_be_written(url: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing" / "run.json")
    done = ws76proxy("probe", url, "--only", "76.handshake.plain", "--json", missing, *FAST)
    assert "the report cannot be written: No such file or directory" in one_line(done)


class _Silent(StrictServer):
    """Says nothing."""

    def handshake(self) -> None:
        return


def test_an_interrupt_ends_it() -> None:
    with serving(_Silent) as running:
        command = [sys.executable, "-W", "error", "-m", "ws76proxy", "probe", running.target.url]
        with subprocess.Popen(
            [*command, "--timeout", "100"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        ) as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("probing ")
            assert process.stderr.readline().startswith("for servers of your own")
            assert running.met.wait(PATIENCE)
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 130
            # Click ends the line on which a terminal shows ^C.
            assert process.stderr.read() == "\n"


@pytest.mark.parametrize("command", [["probe", "--help"]])
def test_help_says_whose_servers(command: list[str]) -> None:
    done = ws76proxy(*command)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Probe only servers that are your own" in " ".join(done.stdout.split())
    for option in (
        "--only",
        "--skip",
        "--list",
        "--strict",
        "--no-echo",
        "--origin",
        "--protocol",
        "--header",
        "--rate",
        "--concurrency",
        "--timeout",
        "--ca-file",
        "--insecure",
        "--name",
        "--json",
        "--junit",
        "--markdown",
        "--show-secrets",
        "--verbose",
    ):
        assert option in done.stdout
