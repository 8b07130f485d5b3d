"""One proxy with all rules, a tap on either side of it, and one visit of a browser to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .browser import PlanPage, open_page, serving_pages
from .mitm import mitmproxying, reversing, told
from .peer import PeerName, serving
from .relay import Record, by_session, of_type, relaying
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
    with serving_pages(PlanPage, plan=plan(seen.client_tap.url)) as origin:
        visit = open_page(origin, f"{origin}/rules.html", limit=LIMIT / 1000)
    for event in visit.events:
        seen.events.setdefault(event["socket"], []).append(event)
    seen.complaints = visit.complaints


def _sort(seen: Seen, records: list[Record]) -> None:
    for of_session in by_session(records):
        for request in of_type(of_session, "request"):
            seen.records[request["target"].partition("?")[0]] = of_session
