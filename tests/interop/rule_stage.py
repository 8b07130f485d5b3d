"""One proxy with all rules, a tap on either side of it, and one visit of a browser to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .browser import PageHandler, open_page
from .mitm import mitmproxying, reversing, told
from .peer import PeerName, serving
from .process import PATIENCE
from .relay import Record, of_type, relaying
from .rule_cases import CASES, INJECTED, LIMIT, SCRIPT, plan, rule_file
from .tap import Tap, Wire, tapping

if TYPE_CHECKING:
    from mitmproxy.http import HTTPFlow

__all__ = ["Proxy", "Seen", "perform"]

Proxy = Literal["relay", "mitmdump"]

_RESUMING = '''"""A person who looks at what is intercepted, edits it, and lets it go."""

import asyncio


def websocket_message(flow):
    if flow.intercepted:
        flow.websocket.messages[-1].text += ", edited"
        asyncio.get_running_loop().call_later(0.3, flow.resume)
'''


@dataclass
class Seen:
    """What was seen of all sessions from the outside, and what was told of them."""

    proxy: Proxy
    folder: Path
    client_tap: Tap
    server_tap: Tap
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What each socket's page told."""
    complaints: list[str] = field(default_factory=list)
    """What the browser itself printed."""
    records: dict[str, list[Record]] = field(default_factory=dict)
    """What was told of each session, by what it asked for."""
    flows: dict[str, HTTPFlow] = field(default_factory=dict)
    """Of mitmdump, likewise."""
    closed: dict[str, Any] = field(default_factory=dict)
    """What the script wrote when its session was over."""

    def names(self, name: str) -> list[str]:
        """A socket's events."""
        return [event["event"] for event in self.events.get(name, [])]

    def texts(self, name: str) -> list[str]:
        """The messages that the page got."""
        return [one["text"] for one in self.events[name] if one["event"] == "message"]

    def client(self, name: str) -> Wire:
        """The connection of the browser."""
        return self.client_tap.wire(f"/{name}")

    def server(self, name: str) -> Wire:
        """The connection to the server."""
        return self.server_tap.wire(f"/{name}")

    def told(self, name: str, kind: str) -> list[Record]:
        """The records of one kind."""
        return of_type(self.records[f"/{name}"], kind)

    def deeds(self, name: str) -> list[str]:
        """What was told of what rules and the script did, each time that it was told."""
        changes = [record["deed"] for record in self.told(name, "change")]
        heads = [
            f"{record['what']}: {record['before']} -> {record['after']}"
            for record in self.told(name, "adjustment")
            if record["cause"] in ("rule", "script")
        ]
        return changes + heads


class _Page(PageHandler):
    plan: bytes

    def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
        if self.path != "/plan.json":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.plan)))
        self.end_headers()
        self.wfile.write(self.plan)


@contextmanager
def _pages(url: str) -> Iterator[str]:
    handler = type("Page", (_Page,), {"plan": plan(url)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(PATIENCE)


def perform(proxy: Proxy, folder: Path, server: PeerName = "eventlet") -> Seen:
    """Have the browser play all cases through a proxy to a real server."""
    rules, script, resuming = (folder / name for name in ("all.toml", "all.py", "resuming.py"))
    rules.write_text(rule_file(), encoding="utf-8")
    script.write_text(SCRIPT, encoding="utf-8")
    resuming.write_text(_RESUMING, encoding="utf-8")
    (folder / "said.txt").write_text(INJECTED, encoding="utf-8")
    with serving(server) as running, tapping(running.url) as server_tap:
        if proxy == "relay":
            arguments = ["--rules", str(rules), "--script", str(script), "-v"]
            with (
                relaying(server_tap.url, *arguments) as relay,
                tapping(relay.url) as client_tap,
            ):
                seen = Seen(proxy, folder, client_tap, server_tap)
                _visit(seen)
                _sort(seen, relay.finish(len(CASES)))
        else:
            options = [f"ws76_rules={rules}", f"ws76_scripts={script}"]
            arguments = ["-s", str(resuming)]
            for option in options:
                arguments += ["--set", option]
            mode = reversing(server_tap.url)
            with (
                mitmproxying(folder, mode, *arguments) as mitm,
                tapping(mitm.url) as client_tap,
            ):
                seen = Seen(proxy, folder, client_tap, server_tap)
                _visit(seen)
                for case in CASES:
                    client_tap.wire(case.path)
                opened = sum(seen.names(case.name)[:1] == ["open"] for case in CASES)
                for flow in mitm.finish(opened):
                    records = told(flow)["records"]
                    (request,) = of_type(records, "request")
                    path = request["target"].partition("?")[0]
                    seen.flows[path], seen.records[path] = flow, records
    closed = folder / "closed.json"
    if closed.exists():
        seen.closed = json.loads(closed.read_text(encoding="utf-8"))
    return seen


def _visit(seen: Seen) -> None:
    with _pages(seen.client_tap.url) as origin:
        visit = open_page(origin, f"{origin}/rules.html", limit=LIMIT / 1000)
    for event in visit.events:
        seen.events.setdefault(event["socket"], []).append(event)
    seen.complaints = visit.complaints


def _sort(seen: Seen, records: list[Record]) -> None:
    by_number: dict[int, list[Record]] = {}
    for record in records:
        by_number.setdefault(record["session"], []).append(record)
    for of_session in by_number.values():
        for request in of_type(of_session, "request"):
            seen.records[request["target"].partition("?")[0]] = of_session
