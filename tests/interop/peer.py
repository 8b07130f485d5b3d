"""The real peers: what each needs, whether it is here, and how its echo server is started."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from . import node
from .process import Process, ProcessError

PEERS = node.PEERS
QTWEBKIT = Path(sys.executable).with_name("wkhtmltopdf-pack")
DEBIAN_X = "libxrender1 libxext6 libfontconfig1 libx11-6 fontconfig"
CHECK_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Peer:
    """One implementation that is not ours."""

    needs: str
    """What to install, in words for the reader of a skipped test."""
    fault: Callable[[], str | None]
    """Why it cannot be used here, or None."""
    server: tuple[str | Path, ...] = ()
    environment: Callable[[], Mapping[str, str] | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Server:
    """An echo server that is ready."""

    name: str
    port: int
    process: Process

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"


def _command_fault(*command: str | Path) -> str | None:
    try:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=CHECK_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode:
        # The last line is where a loader, or perl, names what it misses.
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return f"{command[0]}: {said[-1]}"
    return None


def _eventlet_fault() -> str | None:
    return None if importlib.util.find_spec("eventlet") else "eventlet cannot be imported"


def _websockets_fault() -> str | None:
    return None if importlib.util.find_spec("websockets") else "websockets cannot be imported"


@functools.cache
def _node_fault() -> str | None:
    if shutil.which("node") is None:
        return "node is not on the PATH"
    try:
        node.node_modules()
    except (ProcessError, OSError) as error:
        return str(error)
    return None


def _perl_fault() -> str | None:
    return _command_fault("perl", "-MProtocol::WebSocket", "-MJSON::PP", "-e", "1")


def _qtwebkit_fault() -> str | None:
    return _command_fault(QTWEBKIT, "--version")


def chromium_path() -> str | None:
    """The browser of this system, by the names that it has."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def _chromium_fault() -> str | None:
    path = chromium_path()
    if path is None:
        return "chromium is not on the PATH"
    if importlib.util.find_spec("playwright") is None:
        return "playwright cannot be imported"
    return _command_fault(path, "--version")


def _tcpdump_fault() -> str | None:
    # It opens the interface, which needs rights, and captures nothing.
    return _command_fault("tcpdump", "-i", "lo", "-d", "tcp")


def _dumpcap_fault() -> str | None:
    return _command_fault("dumpcap", "-i", "lo", "-L")


def _haproxy_fault() -> str | None:
    return _command_fault("haproxy", "-v")


NODE_NEEDS = "Node 18 or later with npm, and the npm registry for the first run"

PeerName = Literal[
    "chromium",
    "dumpcap",
    "eventlet",
    "haproxy",
    "protocol-websocket",
    "qtwebkit",
    "tcpdump",
    "websocket-driver",
    "websockets",
    "ws-0.4",
    "ws-8",
]
PEER: dict[PeerName, Peer] = {
    "chromium": Peer(
        needs="Debian's chromium, and pip install '.[test]' for playwright",
        fault=_chromium_fault,
    ),
    "dumpcap": Peer(
        needs="Debian's wireshark-common, and the right to capture",
        fault=_dumpcap_fault,
    ),
    "eventlet": Peer(
        needs="pip install '.[test]'",
        fault=_eventlet_fault,
        server=(sys.executable, PEERS / "eventlet_server.py"),
    ),
    "haproxy": Peer(
        needs="Debian's haproxy",
        fault=_haproxy_fault,
    ),
    "protocol-websocket": Peer(
        needs="Debian's libprotocol-websocket-perl",
        fault=_perl_fault,
        server=("perl", PEERS / "protocol_websocket_server.pl"),
    ),
    "qtwebkit": Peer(
        needs=f"pip install '.[test]' on x86-64 Linux, and Debian's {DEBIAN_X}",
        fault=_qtwebkit_fault,
    ),
    "tcpdump": Peer(
        needs="Debian's tcpdump, and the right to capture",
        fault=_tcpdump_fault,
    ),
    "websocket-driver": Peer(
        needs=NODE_NEEDS,
        fault=_node_fault,
        server=("node", PEERS / "driver_server.js"),
        environment=node.environment,
    ),
    "websockets": Peer(
        needs="pip install '.[test]'",
        fault=_websockets_fault,
        server=(sys.executable, PEERS / "websockets_server.py"),
    ),
    "ws-0.4": Peer(
        needs=NODE_NEEDS,
        fault=_node_fault,
        server=("node", "--no-deprecation", PEERS / "ws04_server.js"),
        environment=node.environment,
    ),
    "ws-8": Peer(
        needs=NODE_NEEDS,
        fault=_node_fault,
        server=("node", PEERS / "ws8_server.js"),
        environment=node.environment,
    ),
}


@functools.cache
def missing(name: PeerName) -> str | None:
    """Why a peer cannot be used here and what to install, or None when it can."""
    fault = PEER[name].fault()
    return None if fault is None else f"the peer {name} needs {PEER[name].needs} ({fault})"


@contextmanager
def serving(name: PeerName, *arguments: str | Path) -> Iterator[Server]:
    """The echo server of a peer, on a port of its own choice, for as long as the context lasts."""
    peer = PEER[name]
    environment = peer.environment()
    with Process(
        name, [*peer.server, "--port", "0", *arguments], env=environment or os.environ
    ) as process:
        ready = process.wait_for_line("stdout", r"^listening on (\d+)$")
        yield Server(name, int(ready[1]), process)
