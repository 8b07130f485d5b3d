"""The messages of an open session whose sides speak different dialects, inside mitmproxy."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

from collections import deque

from mitmproxy import http
from mitmproxy.flow import Error
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.websocket import WebSocketMessage

from ws76proxy.bridge import Ended
from ws76proxy.mitm.handshake import Handshake
from ws76proxy.mitm.layer import ABRUPT, BINARY, CLEAN, HixieLayer
from ws76proxy.mitm.stand_in import StandInLayer
from ws76proxy.session import Peer
from ws76proxy.session.bridging.decided import DecidedBridge
from ws76proxy.wire import Dialect

__all__ = ["BridgedLayer", "BridgedStandInLayer"]


class BridgedLayer(HixieLayer):
    """Drives a bridged conversation: each side has its own closing, and some time to answer it."""

    def __init__(self, context: Context, flow: http.HTTPFlow, handshake: Handshake) -> None:
        super().__init__(context, flow, handshake)
        self._finished: deque[Peer] = deque()
        self._closing_timer: commands.RequestWakeup | None = None
        self._code_here: int | None = None
        """The close code, where a rule or a script has hung up before either side has ended."""

    @property
    def _bridge(self) -> DecidedBridge:
        assert isinstance(self._phase, DecidedBridge)  # noqa: S101 - the handshake has made it
        return self._phase

    def _handle(self, event: events.Event) -> layer.CommandGenerator[None]:
        session = self._handshake.session
        if isinstance(event, events.Wakeup) and event.command is self._closing_timer:
            asked = session.timed_out(self._handshake.settings.close_timeout)
            yield from self._carry_out(asked)
            return
        yield from super()._handle(event)

    def _wake_later(self) -> layer.CommandGenerator[None]:
        yield from super()._wake_later()
        is_closing = self._handshake.session.is_closing and not self._is_over
        if is_closing and self._closing_timer is None:
            self._closing_timer = commands.RequestWakeup(self._handshake.settings.close_timeout)
            yield self._closing_timer

    def _ended(self, peer: Peer) -> layer.CommandGenerator[None]:
        """The connection to a peer is gone: the other one is told in its way, and hung up."""
        for data in self._unheard.pop(peer, ()):
            yield from self._hear(peer, data)
        asked = self._handshake.session.connection_lost(peer, None)
        yield from self._carry_out(asked)

    def _finish(self, peer: Peer) -> layer.CommandGenerator[None]:
        # mitmproxy's connections close in both directions at once: nothing more comes of this one.
        yield commands.CloseConnection(self._connection(peer))
        self._finished.append(peer)

    def _end_if_over(self) -> layer.CommandGenerator[None]:
        while self._finished and not self._is_killed:
            yield from self._hung_up(self._finished.popleft())
        if self._is_killed or self._handshake.session.ended:
            yield from self._end()

    def _hung_up(self, peer: Peer) -> layer.CommandGenerator[None]:
        """We have closed the connection to a peer."""
        session, bridge = self._handshake.session, self._bridge
        if session.ended or peer in session.lost:
            return
        if bridge.first_end is None:
            self._code_here = CLEAN if session.is_closing else ABRUPT
        session.traffic[peer].ended = True
        session.lost.add(peer)
        bridge.lost(peer)
        yield from self._carry_out(bridge.ended(peer))
        if peer.other in session.lost:
            yield from self._carry_out(session.end())

    def _inject(self, message: WebSocketMessage) -> layer.CommandGenerator[None]:
        self._deciding = None
        peer = Peer.CLIENT if message.from_client else Peer.SERVER
        is_binary = message.type == BINARY
        asked = self._bridge.inject(peer, message.content, binary=is_binary)
        yield from self._carry_out(asked)

    @property
    def _first_end(self) -> Ended | None:
        """How the side has ended that was the first to end by itself."""
        return self._bridge.first_end if self._code_here is None else None

    @property
    def _closer(self) -> Peer | None:
        first = self._first_end
        return None if first is None or first.by == "relay" else Peer(first.by)

    def _how(self, closer: Peer | None) -> tuple[int, str]:
        first = self._first_end
        if self._is_killed:
            return ABRUPT, Error.KILLED_MESSAGE
        if first is None:
            # A rule or a script wanted it, and nobody answered.
            code = CLEAN if self._handshake.session.is_closing else ABRUPT
            return self._code_here or code, "the session was ended here"
        if first.how == "fault":
            return first.code or ABRUPT, first.reason or f"the {first.by} broke its protocol"
        if first.how == "closed" and first.dialect is Dialect.RFC_6455:
            # As mitmproxy has it of any WebSocket.
            return first.code or CLEAN, first.reason
        if first.how == "closed":
            return CLEAN, f"FF 00 from the {first.by}"
        if first.dialect is Dialect.HIXIE_75 and first.how == "end-of-stream":
            return CLEAN, f"the {first.by} closed the connection: hixie-75 has no other way"
        told = "a Close" if first.dialect is Dialect.RFC_6455 else "FF 00"
        return ABRUPT, f"the {first.by} closed the connection without {told}"


class BridgedStandInLayer(StandInLayer, BridgedLayer):
    """The same, with the server of a recording in place of a connection to one."""

    def _finish(self, peer: Peer) -> layer.CommandGenerator[None]:
        if peer is Peer.CLIENT:
            yield from super()._finish(peer)
        else:
            self._finished.append(peer)
