"""A server that plays sample handshakes to a browser, and the page that opens a socket for each.

The page tells what happens to a socket until it is *settled*: the server has sent all that it has
to send, and since then the browser has done a few other things, so that it must have read it. Thus
nothing here waits for a time. An open socket is sent one more message then, which shows whether the
session goes on; then the server closes.
"""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

from ws76proxy.diagnosis import Outcome
from ws76proxy.wire import RequestHead, encode_text
from ws76proxy.wire.challenge import KEY3_SIZE

from .browser import PAGE_EVENT, PlanPage, open_page, serving_pages
from .process import PATIENCE
from .staging import Act, Live, Scene
from .threads import in_thread

HOST = "localhost"
"""Not an address: samples have hosts in other letters."""
NEXT = encode_text("the next message")
OPENED = encode_text("open")
"""What the page sends."""
MOST_ATTEMPTS = 1000
"""The rarest bug shows in one of 43 handshakes."""
PAUSE = 0.05
"""Seconds for the browser to read a piece before it gets the next; nothing tells that it has."""
VISIT_LIMIT = 60.0


@dataclass
class Performance:
    """What one socket was answered, and what came of it in the browser."""

    scene: Scene
    live: Live
    answered: bytes
    """The scene's own answer."""
    more: bytes
    """What was sent then, to an open socket."""
    heard: bytes
    """What the browser sent behind key3."""
    console: list[str] = field(default_factory=list)
    """What the engine itself printed."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """What the page told, in order."""

    @property
    def name(self) -> str:
        return self.scene.name

    @property
    def opening(self) -> Outcome:
        """What became of the opening handshake."""
        names = self._names
        if "open" in names:
            return Outcome.ACCEPTS
        first = "close" in names[: names.index("over")]
        is_own_doing = first and Act("close") not in self.scene.acts()
        return Outcome.REFUSES if is_own_doing else Outcome.WAITS

    @property
    def ended(self) -> bool:
        """Whether the browser has closed an open socket before the server did."""
        names = self._names
        return "open" in names and names.index("close") < names.index("over")

    @property
    def errors(self) -> int:
        """How many error events the page got."""
        return self._names.count("error")

    @property
    def texts(self) -> list[str]:
        """The messages that the page got."""
        return [event["text"] for event in self.events if event["event"] == "message"]

    @property
    def was_clean(self) -> bool:
        """What the page was told of the end."""
        return any(event.get("wasClean") for event in self.events)

    @property
    def _names(self) -> list[str]:
        return [event["event"] for event in self.events]


@dataclass
class _Backstage:
    """What the page and the player of one socket tell each other."""

    sent: threading.Event = field(default_factory=threading.Event)
    orders: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    live: Live | None = None
    answered: bytes = b""
    more: bytes = b""
    heard: bytes = b""


class _Stage:
    """The scenes, and what is going on, by ``NAME.ATTEMPT``."""

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self.scenes = {scene.name: scene for scene in scenes}
        self._backstage: dict[str, _Backstage] = {}

    def backstage(self, key: str) -> _Backstage:
        """Of one socket; whoever asks first, the page or the player, brings it into being."""
        # One step, as two threads may be at it.
        return self._backstage.setdefault(key, _Backstage())

    def plan(self, port: int) -> bytes:
        """What the page is to do, as JSON."""
        entries = []
        for scene in self.scenes.values():
            protocol = scene.request.value(b"sec-websocket-protocol")
            entries.append(
                {
                    "name": scene.name,
                    "origin": f"ws://{HOST}:{port}",
                    "target": scene.request.target.decode(),
                    "protocol": None if protocol is None else protocol.decode(),
                    "attempts": MOST_ATTEMPTS if scene.cause and scene.cause.shows else 1,
                    "more": not scene.ends_inside_a_frame,
                }
            )
        return json.dumps(entries).encode()


class _GoneError(Exception):
    """The browser has closed."""


class _Player(BaseRequestHandler):
    """Plays one scene, once."""

    stage: _Stage

    def setup(self) -> None:
        self._socket: socket.socket = self.request
        self._socket.settimeout(PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self._received = b""

    def handle(self) -> None:
        head, blank, _ = self._read_until(lambda data: b"\r\n\r\n" in data).partition(b"\r\n\r\n")
        live = Live(RequestHead(head + blank))
        backstage = self.stage.backstage(live.key)
        scene = self.stage.scenes[live.key.rpartition(".")[0]]
        with suppress(_GoneError, OSError, queue.Empty):
            try:
                self._play(scene, live, backstage)
            finally:
                # The page waits for this, whatever has happened.
                backstage.sent.set()
            while backstage.orders.get(timeout=PATIENCE) == "more":
                backstage.more += NEXT
                self._socket.sendall(NEXT)
        self._leave()
        backstage.heard = self._received[len(live.request.raw) + KEY3_SIZE :]

    def _play(self, scene: Scene, live: Live, backstage: _Backstage) -> None:
        behind_head = len(live.request.raw) + KEY3_SIZE
        sent = 0
        for act in scene.acts():
            if act.what == "key3":
                data = self._read_until(lambda data: len(data) >= behind_head)
                live = backstage.live = replace(
                    live, key3=data[len(live.request.raw) :][:KEY3_SIZE]
                )
            elif act.what == "frames":
                self._read_until(lambda data: len(data) > behind_head)
            elif act.what == "pause":
                time.sleep(PAUSE)
            elif act.what == "close":
                raise _GoneError
            else:
                behind = scene.behind(live)[: act.behind] if act.behind else b""
                answered = scene.head(live) + behind
                self._socket.sendall(answered[sent:])
                backstage.answered = answered
                sent = len(answered)

    def _read_until(self, is_enough: Callable[[bytes], bool]) -> bytes:
        """All that the browser has sent, once it is enough."""
        while not is_enough(self._received):
            data = self._socket.recv(65536)
            if not data:
                raise _GoneError
            self._received += data
        return self._received

    def _leave(self) -> None:
        """Close without a reset: what the browser still sends is read."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            while data := self._socket.recv(65536):
                self._received += data


class _Page(PlanPage):
    """Serves the page and its plan, and answers it when a player is as far as it asks."""

    stage: _Stage
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
        word, _, key = self.path[1:].partition("/")
        if word == "sent":
            self.stage.backstage(key).sent.wait(PATIENCE)
            self.answer()
        elif word in ("more", "end"):
            self.stage.backstage(key).orders.put(word)
            self.answer()
        elif word == "turn":
            self.answer()
        else:
            super().do_GET()


class _Players(ThreadingTCPServer):
    allow_reuse_address = True


def perform(scenes: Sequence[Scene], port: int = 0) -> list[Performance]:
    """Show the scenes to QtWebKit, each until its bug has shown: every socket, in order."""
    stage = _Stage(scenes)
    players = _Players(("127.0.0.1", port), type("Player", (_Player,), {"stage": stage}))
    with (
        in_thread(players) as port,
        serving_pages(_Page, HOST, stage=stage, plan=stage.plan(port)) as origin,
    ):
        visit = open_page(origin, f"{origin}/samples.html", limit=VISIT_LIMIT)
    performances: list[Performance] = []
    for line in visit.console:
        if not line.startswith(PAGE_EVENT):
            performances[-1].console.append(line)
            continue
        event = json.loads(line.removeprefix(PAGE_EVENT))
        if event["event"] == "socket":
            backstage = stage.backstage(f"{event['name']}.{event['attempt']}")
            assert backstage.live is not None, "the server has not seen this socket"
            scene = stage.scenes[event["name"]]
            performances.append(
                Performance(
                    scene, backstage.live, backstage.answered, backstage.more, backstage.heard
                )
            )
        else:
            performances[-1].events.append(event)
    return performances
