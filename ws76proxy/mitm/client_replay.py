"""The client of a recorded session, played through mitmproxy, so that a new flow comes of it."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from mitmproxy import connection, ctx, hooks, http
from mitmproxy import flow as flows
from mitmproxy.addons.clientplayback import ClientPlayback
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy import commands, server
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode
from mitmproxy.proxy.layers.websocket import WebsocketEndHook
from mitmproxy.proxy.mode_specs import ProxyMode, UpstreamMode

from ws76proxy.endpoint import Endpoint
from ws76proxy.errors import UsageError, Ws76Error
from ws76proxy.mitm.compared import tell_comparison
from ws76proxy.mitm.handshakes import handshake_of
from ws76proxy.mitm.places import upstream_of
from ws76proxy.mitm.plans import is_hixie, plan_of_flow, server_of
from ws76proxy.mitm.told import Told
from ws76proxy.replay import ClientOptions, Outcome, Plan, replay_client

__all__ = ["HixieReplay", "enqueue", "flow_checker", "replay_handler"]

logger = logging.getLogger(__name__)

# As which the played client is seen; addons take it for an address.
_NOWHERE = ("127.0.0.1", 0)
_LAST_MOMENTS = 5.0


class _Waiting(NamedTuple):
    """What waits in mitmproxy's queue, and what the queue takes away of a flow meanwhile."""

    plan: Plan
    server: Endpoint
    response: http.Response | None = None
    error: flows.Error | None = None
    is_replay: str | None = None


_waiting: WeakKeyDictionary[flows.Flow, _Waiting] = WeakKeyDictionary()


def enqueue(plans: Iterable[Plan]) -> int:
    """Have recorded sessions played, one after the other; how many. Raises UsageError."""
    playback = ctx.master.addons.get("clientplayback")
    if not isinstance(playback, ClientPlayback):
        raise UsageError("this mitmproxy has no client playback")
    waiting = [_Waiting(plan, server_of(plan)) for plan in plans]
    for one in waiting:
        # The queue takes flows; this one only stands for the session, and nobody sees it.
        token = http.HTTPFlow(
            connection.Client(peername=_NOWHERE, sockname=_NOWHERE),
            connection.Server(address=(one.server.host, one.server.port)),
        )
        _waiting[token] = one
        playback.queue.put_nowait(token)
    return len(waiting)


def flow_checker(stock: Any) -> Any:
    """A hixie flow can be replayed, whether or not it is a WebSocket by now."""

    def check(self: Any, f: flows.Flow) -> str | None:
        _waiting.pop(f, None)
        if not isinstance(f, http.HTTPFlow) or not is_hixie(f):
            return stock(self, f)  # type: ignore[no-any-return]
        websocket, f.websocket = f.websocket, None
        try:
            reason: str | None = stock(self, f)
        finally:
            f.websocket = websocket
        if reason is not None:
            return reason
        try:
            plan = plan_of_flow(f)
        except UsageError as error:
            return str(error)
        _waiting[f] = _Waiting(plan, upstream_of(f), f.response, f.error, f.is_replay)
        return None

    return check


def replay_handler(stock: Any) -> Any:
    """Who replays a flow: for a hixie flow somebody who knows about sessions."""

    def make(flow: http.HTTPFlow, options: Any) -> Any:
        waiting = _waiting.pop(flow, None)
        if waiting is None:
            return stock(flow, options)
        # The recorded flow stays as it is: another one comes of the replay.
        flow.response, flow.error = waiting.response, waiting.error
        flow.is_replay = waiting.is_replay
        ctx.master.addons.trigger(hooks.UpdateHook([flow]))
        return HixieReplay(waiting.plan, waiting.server)

    return make


class HixieReplay:
    """One play: an own connection to mitmproxy that has no network, and what comes of it."""

    def __init__(self, plan: Plan, server: Endpoint) -> None:
        self._plan = plan
        self._server = server

    async def replay(self) -> None:
        """Play to the end; the flow and the log say how it went."""
        ours, theirs = socket.socketpair()
        with contextlib.closing(ours), contextlib.closing(theirs):
            reader, writer = await asyncio.open_connection(sock=theirs)
            options = ClientOptions(server=self._server, go_on=True)
            play = asyncio.create_task(replay_client(self._plan, options, ours))
            handler = _Handler(reader, writer, self._server, self._plan, play)
            with _registered(handler):
                handling = asyncio.create_task(handler.handle_client())
                try:
                    await asyncio.wait([play])
                    await asyncio.wait([handling], timeout=_LAST_MOMENTS)
                    handler.compare()
                finally:
                    play.cancel()
                    handling.cancel()
                    # A socket closed while its transport is open leaves its number to the next one,
                    # which the event loop then takes for the old.
                    await asyncio.wait([play, handling], timeout=_LAST_MOMENTS)
                    writer.transport.abort()


class _Handler(server.LiveConnectionHandler):
    """mitmproxy's side of that connection: all hooks and layers are those of any other."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream: Endpoint,
        plan: Plan,
        play: asyncio.Task[Outcome],
    ) -> None:
        super().__init__(reader, writer, ctx.options, ProxyMode.parse("regular"))
        self._plan = plan
        self._play = play
        self._flow: http.HTTPFlow | None = None
        self._told: Told | None = None
        self._is_compared = False
        self.client.peername = self.client.sockname = _NOWHERE
        context = self.layer.context
        context.server = connection.Server(address=(upstream.host, upstream.port))
        if upstream.secure:
            context.server.tls = True
            context.server.sni = upstream.host
        mode = ctx.options.mode[0] if ctx.options.mode else ""
        if mode.startswith("upstream:"):
            other = UpstreamMode.parse(mode)
            context.server.via = (other.scheme, other.address)
        self.layer = HttpLayer(context, HTTPMode.transparent)

    async def handle_hook(self, hook: commands.StartHook) -> None:
        with self.timeout_watchdog.disarm():
            (data,) = hook.args()
            if isinstance(data, http.HTTPFlow) and self._flow is None:
                data.is_replay = "request"
                self._flow = data
            if isinstance(hook, WebsocketEndHook):
                # Who saves the flow at its end saves the comparison with it.
                await asyncio.wait([self._play], timeout=_LAST_MOMENTS)
                self.compare()
            await ctx.master.addons.handle_lifecycle(hook)
            if self._flow is not None and self._told is None:
                handshake = handshake_of(self._flow)
                self._told = None if handshake is None else handshake.told
            if isinstance(data, flows.Flow):
                await data.wait_for_resume()

    def compare(self) -> None:
        """Say how the server did, once, if the play is over."""
        if self._is_compared or not self._play.done() or self._play.cancelled():
            return
        self._is_compared = True
        error = self._play.exception()
        if error is not None:
            if not isinstance(error, Ws76Error):
                raise error
            logger.error("ws76: %s cannot be replayed: %s", self._plan.name, error)
            return
        outcome = self._play.result()
        notes, differences = outcome.notes, outcome.differences
        lines = tell_comparison(self._plan, "client", differences, self._flow, self._told, notes)
        for level, text in lines:
            logger.log(level, "%s", text)
        if self._flow is not None:
            ctx.master.addons.trigger(hooks.UpdateHook([self._flow]))


@contextlib.contextmanager
def _registered(handler: _Handler) -> Iterator[None]:
    """Where commands look for the connection of a flow: to inject, to kill."""
    proxyserver = ctx.master.addons.get("proxyserver")
    if not isinstance(proxyserver, Proxyserver):
        yield
        return
    registry: Any = proxyserver
    with registry.register_connection(handler.client.id, handler):
        yield
