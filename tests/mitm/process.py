"""mitmdump as a process, with the addon or without, and the flows that it tells of."""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from tests.forking import ForkedMitmdump
from tests.mitm.peers import PATIENCE, Peer
from ws76proxy.wire import ResponseHead

__all__ = ["ADDON", "Mitmdump", "run_mitmdump"]

ROOT = Path(__file__).parents[2]
ADDON = ROOT / "addons" / "ws76.py"
ACTOR = Path(__file__).with_name("actor.py")
_PROGRAM = Path(sys.executable).with_name("mitmdump")


def _command(arguments: Sequence[str], home: Path) -> list[str]:
    return [str(_PROGRAM), "--set", f"confdir={home}", *arguments]


def run_mitmdump(arguments: Sequence[str], home: Path) -> str:
    """Run to the end, as for reading a file; standard output."""
    done = subprocess.run(
        _command(arguments, home), capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
    return done.stdout


class Mitmdump:
    """A running mitmdump; `flow` waits for what the actor prints."""

    def __init__(
        self,
        mode: str,
        *arguments: str,
        home: Path,
        addon: Path | None = ADDON,
        actor: bool = True,
    ) -> None:
        # The actor comes second: a script before the addon sees a 101 before it is a WebSocket.
        scripts = [str(addon)] if addon else []
        scripts += [str(ACTOR)] if actor else []
        command = [one for script in scripts for one in ("-s", script)]
        command += ["--mode", mode, "--listen-host", "127.0.0.1", "-p", "0", "-v"]
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONDEVMODE": ""}
        self._process = ForkedMitmdump(
            _command([*command, *arguments], home)[1:],
            environment=environment,
            folder=home,
            one_output=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.log: list[str] = []
        self._flows: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        match = self.line(re.compile(r"listening at \S+?:(\d+)").search)
        self.port = int(match[1])

    def __enter__(self) -> Mitmdump:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if kind is None:
            self.check_log()

    def stop(self) -> None:
        """End it in order, and read what it still says."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
        self._reader.join(PATIENCE)
        while not self._lines.empty():
            self._take(self._lines.get())
        self._process.stdout.close()

    def do(self, deed: str) -> str:
        """Have the actor do what a user does (a command, `set OPTION=VALUE`, `replay PATH`).

        Why that was refused; empty where it was not.
        """
        peer = Peer.connect(self.port)
        target = f"http://127.0.0.1:{self.port}/actor?do={quote(deed)}"
        peer.send(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = ResponseHead(peer.until(b"\r\n\r\n"))
        reason = peer.exactly(int(head.value(b"content-length") or 0)).decode()
        peer.close()
        assert (head.status == 400) is bool(reason), head
        return reason

    def check_log(self) -> None:
        """Nothing in it that should not be there."""
        text = "\n".join(self.log)
        assert "Traceback" not in text, text
        assert "has crashed" not in text, text
        assert "FAULT" not in text, text

    def line(self, wanted: Callable[[str], Any]) -> Any:
        """Wait for a line; what `wanted` makes of it."""
        deadline = time.monotonic() + PATIENCE
        for line in list(self.log):
            if found := wanted(line):
                return found
        while True:
            line_or_none = self._next(deadline)
            if found := wanted(line_or_none):
                return found

    def flow(self, path: str) -> dict[str, Any]:
        """Wait until the flow with that in its path is over."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for flow in self._flows:
                if path in flow["path"]:
                    return flow
            self._next(deadline)

    def _next(self, deadline: float) -> str:
        try:
            line = self._lines.get(timeout=max(deadline - time.monotonic(), 0.001))
        except queue.Empty:
            raise TimeoutError("\n".join(self.log)) from None
        assert line is not None, "\n".join(["mitmdump has ended:", *self.log])
        self._take(line)
        return line

    def _take(self, line: str | None) -> None:
        if line is None:
            return
        self.log.append(line)
        if line.startswith("FLOW "):
            self._flows.append(json.loads(line[5:]))

    def _read(self) -> None:
        for raw in self._process.stdout:
            self._lines.put(raw.decode(errors="replace").rstrip("\n"))
        self._lines.put(None)
