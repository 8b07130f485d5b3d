"""A browser's visit to a page that tries many sockets, each through a relay to a real server."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.interop.browser import PAGE_EVENT, PageHandler, open_page
from tests.interop.peer import PeerName, Server, chromium_path, missing, serving
from tests.interop.process import PATIENCE
from tests.interop.relay import Record, Relay, of_type, relaying

__all__ = ["Act", "Seen", "Socket", "Way", "chromium", "perform", "qtwebkit"]

LIMIT = 150.0
"""Seconds for all of a visit: less than what a test may take."""
MOMENT = 20_000
"""Milliseconds for a socket: nothing that works ever needs them."""
CLOSE_TIMEOUT = 5
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

Act = dict[str, Any]
"""A step of a socket, as pages/bridge.js has it."""
Told = list[dict[str, Any]]
Browser = Callable[[str, str], Told]


class Way(NamedTuple):
    """A relay with these options, to a server of its own."""

    name: str
    server: PeerName
    options: tuple[str, ...]


class Socket(NamedTuple):
    """What is tried with one socket; `way` names the relay."""

    way: str
    name: str
    steps: tuple[Act, ...]
    protocol: str | Sequence[str] | None = None

    @property
    def path(self) -> str:
        """What it asks for, and by what it is found in the records."""
        return f"/{self.way}/{self.name}"


@dataclass
class Seen:
    """What a visit has shown, by the path of each socket."""

    events: dict[str, Told] = field(default_factory=dict)
    records: dict[str, list[Record]] = field(default_factory=dict)
    servers: dict[str, list[str]] = field(default_factory=dict)
    """What the server of each way printed."""

    def names(self, path: str) -> list[str]:
        """The page's events."""
        return [event["event"] for event in self.events.get(path, [])]

    def told(self, path: str, kind: str) -> list[Record]:
        """The relay's records of one kind."""
        return of_type(self.records[path], kind)

    def codes(self, path: str) -> set[str]:
        """Those of its findings that are no praise."""
        return {one["code"] for one in self.told(path, "finding") if one["severity"] != "good"}

    def closing(self, path: str) -> dict[str, Any]:
        """The page's last event, which is that its socket was closed."""
        (event,) = [one for one in self.events.get(path, []) if one["event"] == "close"]
        return {name: event[name] for name in ("code", "reason", "wasClean")}

    def closings(self, path: str) -> list[tuple[str, str, str]]:
        """By whom the session was closed, how, and with what, as the relay tells it."""
        return [
            (one["by"], one["how"], one["detail"]) for one in self.told(path, "closing")
        ]

    def server_head(self, path: str) -> str:
        """The request as it went to the server."""
        (request,) = self.told(path, "request")
        return str(request["sent"])


class _Page(PageHandler):
    plan: bytes
    kill: Callable[[str], None]

    def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
        if self.path == "/plan.json":
            self._answer(self.plan)
        elif self.path.startswith("/kill/"):
            type(self).kill(self.path.removeprefix("/kill/"))
            self._answer(b"")
        else:
            super().do_GET()

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def _pages(plan: object, servers: Mapping[str, Server]) -> Iterator[str]:
    def kill(name: str) -> None:
        # Its children too: each of them may have a connection.
        os.killpg(servers[name].process.pid, signal.SIGKILL)

    members = {"plan": json.dumps(plan).encode(), "kill": staticmethod(kill)}
    handler = type("Page", (_Page,), members)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(PATIENCE)


def perform(browser: Browser, ways: Sequence[Way], sockets: Sequence[Socket]) -> Seen:
    """Have a browser try all sockets whose servers are installed, one behind the other."""
    seen = Seen()
    servers: dict[str, Server] = {}
    relays: dict[str, Relay] = {}
    with ExitStack() as stack:
        for way in ways:
            if missing(way.server) is None:
                server = servers[way.name] = stack.enter_context(serving(way.server))
                relays[way.name] = stack.enter_context(
                    relaying(server.url, "--close-timeout", str(CLOSE_TIMEOUT), *way.options)
                )
        staged = [one for one in sockets if one.way in relays]
        plan = [
            {
                "name": one.path,
                "url": relays[one.way].url + one.path,
                "protocol": one.protocol,
                "patience": MOMENT,
                "steps": one.steps,
            }
            for one in staged
        ]
        with _pages(plan, servers) as origin:
            for event in browser(origin, f"{origin}/bridge.html"):
                seen.events.setdefault(event["socket"], []).append(event)
        for name, relay in relays.items():
            _sort(seen, relay.finish(sum(one.way == name for one in staged)))
            seen.servers[name] = servers[name].process.lines("stdout")
    return seen


def _sort(seen: Seen, records: list[Record]) -> None:
    by_number: dict[int, list[Record]] = {}
    for record in records:
        by_number.setdefault(record["session"], []).append(record)
    for of_session in by_number.values():
        for request in of_type(of_session, "request"):
            seen.records.setdefault(request["target"], of_session)


def qtwebkit(origin: str, page: str) -> Told:
    """What the page told in QtWebKit."""
    return open_page(origin, page, limit=LIMIT).events


def chromium(origin: str, page: str) -> Told:
    """What the page told in headless Chromium; the browser is gone when this returns."""
    from playwright.sync_api import sync_playwright

    told: Told = []

    def hear(text: str) -> None:
        if text.startswith(PAGE_EVENT):
            told.append(json.loads(text.removeprefix(PAGE_EVENT)))

    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium_path(), args=list(_ARGUMENTS), headless=True
        )
        opened = context.new_page()
        opened.on("console", lambda message: hear(message.text))
        opened.goto(page)
        opened.wait_for_function("window.status === 'done'", timeout=LIMIT * 1000)
        context.close()
    return told
