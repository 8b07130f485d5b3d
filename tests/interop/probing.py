"""Probes the real servers; as a command it writes the reports that the documentation keeps.

`python -m tests.interop.probing docs/probe-reports`
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from ws76proxy.endpoint import Endpoint
from ws76proxy.probe import CASES, Report, RunOptions, Target, probe
from ws76proxy.probe.report import as_markdown

from . import node
from .peer import PEER, PEERS, PeerName, Server
from .process import Process

PORT = 18076
"""Where a server is for a report that is kept: some reports have it in what came."""
OPTIONS = RunOptions(rate=200, timeout=2)


def _node_version(package: str) -> Callable[[], str]:
    def version() -> str:
        manifest = node.node_modules() / package / "package.json"
        return str(json.loads(manifest.read_text(encoding="utf-8"))["version"])

    return version


def _perl_version() -> str:
    program = "print $Protocol::WebSocket::VERSION"
    command = ["perl", "-MProtocol::WebSocket", "-e", program]
    return subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout


SERVERS: dict[PeerName, tuple[str, Callable[[], str]]] = {
    "eventlet": ("eventlet", lambda: metadata.version("eventlet")),
    "protocol-websocket": ("Protocol::WebSocket", _perl_version),
    "websocket-driver": ("websocket-driver", _node_version("websocket-driver")),
    "ws-0.4": ("ws", _node_version("ws")),
}
"""What each is called, and how its version is found out."""


@contextmanager
def supervised(name: PeerName, port: int = 0) -> Iterator[Server]:
    """The echo server of a peer, started again whenever the probe brings it down."""
    peer = PEER[name]
    command = [sys.executable, PEERS / "respawn.py", str(port), *peer.server]
    with Process(name, command, env=peer.environment() or os.environ) as process:
        ready = process.wait_for_line("stdout", r"^listening on (\d+)$")
        yield Server(name, int(ready[1]), process)


def probed(server: Server) -> Report:
    """All cases against it."""
    target = Target(Endpoint(False, "127.0.0.1", server.port), "/echo?room=1")
    return asyncio.run(probe(target, CASES, OPTIONS))


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (called, version) in SERVERS.items():
        with supervised(name, PORT) as server:
            page = as_markdown(probed(server), name=f"{called} {version()}")
        (folder / f"{name}.md").write_text(page, encoding="utf-8", newline="\n")
        print(f"{name}: {page.splitlines()[2]}")


if __name__ == "__main__":
    main()
