"""A replay server in a thread of its own, for tests whose event loop, if any, is not ours."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path

from ws76proxy.endpoint import Endpoint
from ws76proxy.recording import RecordedSession, read_sessions
from ws76proxy.replay.compare import Rules
from ws76proxy.replay.describe import as_text
from ws76proxy.replay.expect import Difference
from ws76proxy.replay.plan import Plan, plan_of
from ws76proxy.replay.player import parse_timing
from ws76proxy.replay.server import ReplayServer, ServerOptions

__all__ = ["BackgroundServer", "ServerFactory"]

_PATIENCE = 10.0


class BackgroundServer:
    """A replay server that has been started, on a free port of 127.0.0.1.

    `differences` has what clients did otherwise than in the recording, so far; it may be cleared by
    a test that wants them.
    """

    def __init__(self, plans: list[Plan], options: ServerOptions) -> None:
        """Raises OSError where no port can be listened on."""
        self.options = options
        self.differences: list[Difference] = []
        self.port = 0
        self._plans = plans
        self._error: BaseException | None = None
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="ws76-replay-server", daemon=True)
        self._thread.start()
        self._ready.wait(_PATIENCE)
        if self._error is not None:
            raise self._error
        if not self.port:
            raise OSError(f"the replay server did not start within {_PATIENCE:g} s")

    @property
    def url(self) -> str:
        """Where it listens: ``ws://127.0.0.1:port``, to which a client adds its resource."""
        return str(Endpoint(self.options.tls is not None, self.options.host, self.port))

    def stop(self) -> None:
        """Close every connection, and end the thread. Takes a few seconds at most."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - raised where the server was asked for
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = ReplayServer(self._plans, self.options)
        self.differences = server.differences
        async with server:
            self.port = server.addresses[0][1]
            self._ready.set()
            await self._stop.wait()


def _warn(complaint: str) -> None:
    warnings.warn(complaint, stacklevel=3)


class ServerFactory:
    """Starts replay servers for one test; called as a function."""

    def __init__(self) -> None:
        self._servers: list[tuple[BackgroundServer, bool]] = []

    def __call__(
        self,
        recording: str | os.PathLike[str] | Iterable[RecordedSession],
        *,
        loose: bool = False,
        timing: str = "lockstep",
        timeout: float = 10.0,
        rules: Rules | None = None,
        check: bool = True,
    ) -> BackgroundServer:
        """Start one that plays a recording: a file, a folder, or sessions that were read already.

        `loose`: go on when a client deviates. `timing`: lockstep, original, fast or xN. `timeout`:
        seconds that a client may take longer than in the recording. `rules`: what is compared.
        `check` false: a deviation does not fail the test; look at `differences`. Raises UsageError
        for what cannot be replayed, and OSError where no port is free.
        """
        if isinstance(recording, str | os.PathLike):
            sessions = list(read_sessions([Path(recording)], _warn))
        else:
            sessions = list(recording)
        options = ServerOptions(
            loose=loose,
            timing=parse_timing(timing),
            timeout=timeout,
            rules=rules or Rules(),
        )
        server = BackgroundServer([plan_of(session) for session in sessions], options)
        self._servers.append((server, check))
        return server

    def stop(self) -> str:
        """Stop all of them; how clients deviated, for a person, empty where they did not."""
        texts = []
        for server, check in self._servers:
            server.stop()
            if check and server.differences:
                texts.append(f"a client of {server.url} did not do as in the recording:")
                texts.append(as_text(server.differences, server.options.rules))
        self._servers.clear()
        return "\n".join(texts)
