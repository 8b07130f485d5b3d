"""A session whose server is a recording: frames go to a player, and never to a network."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import time
from collections import deque

from mitmproxy import http
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context

from ws76proxy.mitm.compared import tell_comparison
from ws76proxy.mitm.handshake import Handshake
from ws76proxy.mitm.layer import HixieLayer
from ws76proxy.replay import Command, Done, Plan, Player, Send, SendEof, WaitUntil
from ws76proxy.session import Peer
from ws76proxy.wire import ServerConnection

__all__ = ["StandInLayer"]


class StandInLayer(HixieLayer):
    """The layer of a hixie session, with the recorded server in place of a connection to one."""

    def __init__(
        self, context: Context, flow: http.HTTPFlow, handshake: Handshake, plan: Plan
    ) -> None:
        super().__init__(context, flow, handshake)
        self._plan = plan
        self._player = Player(plan, "server", go_on=True)
        self._leg: ServerConnection = handshake.server_leg()
        self._asked: deque[Command] = deque()
        self._wakes_at: float | None = None
        self._deadline = 0.0
        self._is_compared = False

    def _begin(self) -> layer.CommandGenerator[None]:
        self._asked += self._player.opened(time.monotonic())
        yield from super()._begin()
        yield from self._play()

    def _handle(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Wakeup):
            # It may be meant for the session, or for both.
            yield from super()._handle(event)
            self._wakes_at = None
            now = time.monotonic()
            if now >= self._deadline:
                self._asked += self._player.wake(now)
            else:
                yield from self._wait(self._deadline)
        else:
            yield from super()._handle(event)
        yield from self._play()

    def _send(self, peer: Peer, data: bytes) -> layer.CommandGenerator[None]:
        if peer is Peer.CLIENT:
            yield from super()._send(peer, data)
            return
        self._leg.receive_data(data)
        self._asked += self._player.receive(self._leg.events(), time.monotonic())

    def _hang_up(self, peer: Peer) -> layer.CommandGenerator[None]:
        if peer is Peer.CLIENT:
            yield from super()._hang_up(peer)

    def _play(self) -> layer.CommandGenerator[None]:
        """Do what the player has asked for meanwhile."""
        session = self._handshake.session
        while self._asked and not self._is_over:
            command = self._asked.popleft()
            if isinstance(command, Send):
                told = session.receive_data(Peer.SERVER, command.data)
                yield from self._carry_out(told)
                yield from self._end_if_over()
            elif isinstance(command, WaitUntil):
                yield from self._wait(command.deadline)
            elif isinstance(command, SendEof | Done):
                yield from self._ended(Peer.SERVER)

    def _wait(self, deadline: float) -> layer.CommandGenerator[None]:
        """Have one timer, however often the deadline moves."""
        self._deadline = deadline
        if self._wakes_at is None or deadline < self._wakes_at:
            self._wakes_at = deadline
            yield commands.RequestWakeup(max(0.0, deadline - time.monotonic()))

    def _end(self) -> layer.CommandGenerator[None]:
        if not self._is_over:
            yield from self._compare()
        yield from super()._end()

    def _compare(self) -> layer.CommandGenerator[None]:
        if self._is_compared:
            return
        self._is_compared = True
        now = time.monotonic()
        self._leg.receive_eof()
        for _ in self._player.receive(self._leg.events(), now):
            pass
        for _ in self._player.lost():
            pass
        lines = tell_comparison(
            self._plan,
            "server",
            self._player.differences,
            self.flow,
            self._handshake.told,
            self._plan.notes,
        )
        for level, text in lines:
            yield commands.Log(text, level)
