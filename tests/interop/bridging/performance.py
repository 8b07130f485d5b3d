"""A browser's visit to a page that tries many sockets, each through a relay to a real server."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from tests.interop.browser import PAGE_EVENT, PlanPage, open_page, serving_pages
from tests.interop.chromium import chromium_running
from tests.interop.peer import PeerName, Server, missing, serving
from tests.interop.relay import Record, Relay, by_session, of_type, relaying

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage

__all__ = ["Act", "Seen", "Socket", "Way", "chromium", "perform", "qtwebkit"]

LIMIT = 150.0
"""Seconds for all of a visit: less than what a test may take."""
MOMENT = 20_000
"""Milliseconds for a socket: nothing that works ever needs them."""
_OPTIONS = ("--close-timeout", "5", "--show-secrets")

Act = dict[str, Any]
"""A step of a socket, as pages/bridge.js has it."""
Told = list[dict[str, Any]]
Browser = Callable[[Sequence["Page"], str], Told]


class Page(NamedTuple):
    """A page to open; `socket` is the name of the one that it has, where it does not tell."""

    url: str
    socket: str


class Way(NamedTuple):
    """A relay with these options, to a server of its own, or to that of another way."""

    name: str
    server: PeerName
    options: tuple[str, ...]
    arguments: tuple[str | Path, ...] = ()
    """Of the server."""
    shared: str | None = None
    """The name of that other way, which comes first."""


class Socket(NamedTuple):
    """What is tried with one socket; `way` names the relay."""

    way: str
    name: str
    steps: tuple[Act, ...]
    protocol: str | Sequence[str] | None = None
    page: str | None = None
    """A page of the server's that has this socket, instead of bridge.html."""

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
            (one["by"], one["how"], one.get("detail", "")) for one in self.told(path, "closing")
        ]

    def server_head(self, path: str) -> str:
        """The request as it went to the server."""
        (request,) = self.told(path, "request")
        return str(request["sent"])


class _Page(PlanPage):
    servers: Mapping[str, Server]

    def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
        if self.path.startswith("/kill/"):
            server = self.servers[self.path.removeprefix("/kill/")]
            # Its children too: each of them may have a connection.
            os.killpg(server.process.pid, signal.SIGKILL)
            self.answer()
        else:
            super().do_GET()


def perform(browser: Browser, ways: Sequence[Way], sockets: Sequence[Socket]) -> Seen:
    """Have a browser try all sockets whose servers are installed, one behind the other."""
    seen = Seen()
    servers: dict[str, Server] = {}
    relays: dict[str, Relay] = {}
    with ExitStack() as stack:
        for way in ways:
            if missing(way.server) is None:
                if way.shared is None:
                    server = stack.enter_context(serving(way.server, *way.arguments))
                else:
                    server = servers[way.shared]
                servers[way.name] = server
                relays[way.name] = stack.enter_context(
                    relaying(server.url, *_OPTIONS, *way.options)
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
            if one.page is None
        ]
        with serving_pages(_Page, plan=json.dumps(plan).encode(), servers=servers) as origin:
            # First those of servers that the plan may kill.
            pages = [Page(_own_page(relays[one.way], one), one.path) for one in staged if one.page]
            for event in browser([*pages, Page(f"{origin}/bridge.html", "")], origin):
                seen.events.setdefault(event["socket"], []).append(event)
        for name, relay in relays.items():
            _sort(seen, relay.finish(sum(one.way == name for one in staged)))
            seen.servers[name] = servers[name].process.lines("stdout")
    return seen


def _own_page(relay: Relay, one: Socket) -> str:
    query = urlencode({"url": relay.url + one.path, "message": "here", "close": "client"})
    return f"http://{relay.netloc}/{one.page}?{query}"


def _sort(seen: Seen, records: list[Record]) -> None:
    for of_session in by_session(records):
        for request in of_type(of_session, "request"):
            seen.records.setdefault(request["target"], of_session)


def _keep(lines: list[str], message: ConsoleMessage) -> None:
    lines.append(message.text)


def qtwebkit(pages: Sequence[Page], origin: str) -> Told:
    """What the one page told in QtWebKit."""
    (page,) = pages
    return open_page(origin, page.url, limit=LIMIT).events


def chromium(pages: Sequence[Page], origin: str) -> Told:
    """What the pages told in headless Chromium; the browser is gone when this returns."""
    told: Told = []
    with chromium_running() as context:
        for page in pages:
            opened = context.new_page()
            lines: list[str] = []
            opened.on("console", partial(_keep, lines))
            opened.goto(page.url)
            opened.wait_for_function("window.status === 'done'", timeout=LIMIT * 1000)
            opened.close()
            events = [
                json.loads(line.removeprefix(PAGE_EVENT))
                for line in lines
                if line.startswith(PAGE_EVENT)
            ]
            told += ({"socket": page.socket, **event} for event in events)
    return told
