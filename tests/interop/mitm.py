"""mitmdump and mitmweb with the addon, as a user starts them, and the flows that they save."""

from __future__ import annotations

import os
import re
import ssl
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .process import Process, ProcessError

if TYPE_CHECKING:
    from mitmproxy.http import HTTPFlow

ADDON = Path(__file__).parents[2] / "addons" / "ws76.py"
FLOWS = "flows"

Program = Literal["mitmdump", "mitmweb"]

# What mitmdump prints of a session's end: after it has saved the flow, which is what counts here.
ENDED = re.compile(r"WebSocket connection closed by|Error in WebSocket connection to")
# What no log may have: the last is mitmproxy's word for an addon's exception.
FAULTS = ("Traceback", "has crashed", "Addon error")


class Mitm:
    """A mitmproxy that is ready."""

    def __init__(self, process: Process, folder: Path, port: int) -> None:
        self._process = process
        self._folder = folder
        self._stopped = False
        self.port = port
        self.netloc = f"127.0.0.1:{port}"
        self.url = f"ws://{self.netloc}"

    def client_context(self) -> ssl.SSLContext:
        """A context that trusts this mitmproxy's own authority and no other."""
        return ssl.create_default_context(cafile=self._folder / "mitmproxy-ca-cert.pem")

    def memory_mib(self) -> float:
        """What it holds at this moment, code and libraries included."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        resident = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        if resident is None:
            raise ProcessError("its memory is not known: no VmRSS")
        return int(resident[1]) / 1024

    def wait_for_line(self, pattern: str) -> re.Match[str]:
        """Something that it says of itself."""
        return self._process.wait_for_line("stdout", pattern)

    def wait_for_ends(self, sessions: int) -> None:
        """Wait until so many sessions are over and saved; only mitmdump tells."""

        def ended() -> bool | None:
            lines = self._process.lines("stdout")
            return sum(bool(ENDED.search(line)) for line in lines) >= sessions or None

        self._process.wait_until(ended, f"the end of {sessions} sessions")

    def finish(self, sessions: int = 1) -> list[HTTPFlow]:
        """Wait for so many sessions to end, stop it as a user would, give all flows it saved."""
        self.wait_for_ends(sessions)
        self.stop()
        return read_flows(self._folder / FLOWS)

    def stop(self) -> None:
        """End it, and fail where its log has an exception; a second time does nothing."""
        if self._stopped:
            return
        self._stopped = True
        # asyncio complains of what it cancels at the end, on Python 3.11: that is not looked at.
        told = self._process.lines("stderr")
        status = self._process.stop()
        told += self._process.lines("stdout")
        faults = [line for line in told if any(fault in line for fault in FAULTS)]
        if faults:
            raise ProcessError(f"{self._process.name} had an exception: {faults}")
        if status:
            raise ProcessError(f"SIGTERM ended {self._process.name} with status {status}")


def program_path(program: Program) -> Path:
    """mitmproxy's program of this very environment."""
    return Path(sys.executable).with_name(program)


@contextmanager
def mitmproxying(
    folder: Path,
    mode: str,
    *arguments: str,
    program: Program = "mitmdump",
    addon: bool = True,
) -> Iterator[Mitm]:
    """A mitmproxy on a port of its own choice; certificates and flows stay in the folder."""
    command: list[str | Path] = [program_path(program), "--set", f"confdir={folder}"]
    if addon:
        command += ["-s", ADDON]
    command += ["--mode", mode, "--listen-host", "127.0.0.1", "-p", "0", "-w", folder / FLOWS]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with Process(program, [*command, *arguments], env=environment) as process:
        ready = process.wait_for_line("stdout", r"(?<!Web server )listening at \S+?:(\d+)")
        mitm = Mitm(process, folder, int(ready[1]))
        yield mitm
        mitm.stop()


def reversing(upstream: str) -> str:
    """The mode of a reverse proxy for a server's ws:// URL."""
    return "reverse:" + upstream.replace("ws", "http", 1)


def run_mitmdump(folder: Path, *arguments: str, addon: bool = False) -> str:
    """Run mitmdump to its end, as for reading a file; what it printed."""
    command: list[str | Path] = [program_path("mitmdump"), "--set", f"confdir={folder}", "-n"]
    if addon:
        command += ["-s", ADDON]
    with Process("mitmdump", [*command, *arguments], env=os.environ) as process:
        status = process.wait()
        printed = "\n".join(process.lines("stdout"))
        if status or any(fault in printed for fault in FAULTS):
            raise ProcessError(f"mitmdump ended with status {status}: {printed}")
        return printed


def read_flows(file: Path) -> list[HTTPFlow]:
    """The flows of a file, read back with mitmproxy's own reader."""
    with warnings.catch_warnings():
        # What mitmproxy's libraries warn of when they are imported is not ours to mend.
        warnings.simplefilter("ignore")
        from mitmproxy.http import HTTPFlow
        from mitmproxy.io import FlowReader
    with file.open("rb") as stream:
        flows = list(FlowReader(stream).stream())
    others = [flow for flow in flows if not isinstance(flow, HTTPFlow)]
    if others:
        raise ProcessError(f"not HTTP: {others}")
    return [flow for flow in flows if isinstance(flow, HTTPFlow)]


def filtered(file: Path, expression: str) -> list[HTTPFlow]:
    """Those of a file's flows that a filter of mitmproxy lets through."""
    flows = read_flows(file)
    from mitmproxy import flowfilter

    wanted = flowfilter.parse(expression)
    return [flow for flow in flows if wanted(flow)]


def the_session(flows: list[HTTPFlow]) -> HTTPFlow:
    """The one flow that became a WebSocket."""
    (flow,) = [flow for flow in flows if flow.websocket is not None]
    return flow


def told(flow: HTTPFlow) -> dict[str, Any]:
    """What the addon has kept in the flow."""
    values: dict[str, Any] = flow.metadata["ws76"]
    return values


def texts(flow: HTTPFlow, side: Literal["client", "server"]) -> list[str]:
    """The messages from one side."""
    assert flow.websocket is not None
    return [one.text for one in flow.websocket.messages if one.from_client is (side == "client")]


def ending(flow: HTTPFlow) -> tuple[int | None, bool | None]:
    """The close code, and whether it was the client that ended the session."""
    assert flow.websocket is not None
    return flow.websocket.close_code, flow.websocket.closed_by_client


def assert_verified(flow: HTTPFlow, marked: str = "") -> None:
    """The server's digest was right, and the list marks the flow as told: not at all, mostly."""
    values = told(flow)
    assert (values["dialect"], values["verdict"]) == ("hixie-76", "verified")
    assert values["challenge"]["received"] == values["challenge"]["expected"]
    assert flow.response is not None
    assert flow.response.raw_content is not None
    assert len(flow.response.raw_content) == 16
    assert flow.marked == marked
