"""A session on two transports: carries out its commands, keeps its times and its back-pressure."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Iterable
from math import inf
from typing import TYPE_CHECKING, cast

from ws76proxy.endpoint import in_text
from ws76proxy.record import Messages, NoticeRecord
from ws76proxy.relay.proxy_header import Address, ProxyHeader
from ws76proxy.relay.upstream import connect_upstream
from ws76proxy.session import (
    Await,
    Close,
    Command,
    Connect,
    PauseReading,
    Peer,
    Reconnect,
    Reset,
    ResumeReading,
    Send,
    SendEof,
    Session,
    Tell,
)
from ws76proxy.words import in_words, upstream_tls_in_words

if TYPE_CHECKING:
    from ws76proxy.relay.relay import Relay
    from ws76proxy.session.bridging.conversation import BridgedConversation

__all__ = ["Leg", "Pump"]

_CONNECTING = "the server is not connected yet"


class Leg(asyncio.Protocol):
    """One of a session's two connections."""

    def __init__(self, pump: Pump, peer: Peer) -> None:
        self.pump = pump
        self.peer = peer
        self.transport: asyncio.Transport | None = None
        self.gone = False
        self._pauses: set[str] = set()
        self._closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=self.pump.relay.options.write_buffer)
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.pump.made(self)
        if self._pauses:
            # A turn later: uvloop begins to read after this, whatever it has been told before.
            self.pump.loop.call_soon(self._stay_paused)

    def data_received(self, data: bytes) -> None:
        pump = self.pump
        pump.last_activity = pump.loop.time()
        bridge = pump.session.bridge
        if bridge is not None:
            self._cross(bridge, data)
            return
        conversation = pump.session.conversation
        if conversation is None:
            if pump.is_connecting:
                # Of what waits for the connection there must not be more and more.
                self.pause(_CONNECTING)
            pump.run(pump.session.receive_data(self.peer, data))
            return
        # Forward first, look second.
        other = pump.legs[self.peer.other].transport
        if other is not None:
            other.write(data)
        try:
            told = conversation.look(self.peer, data)
            if isinstance(told, Messages):
                pump.relay.tell_messages(pump, told)
                return
        except Exception as error:  # noqa: BLE001 - whatever it is, other sessions go on
            pump.fault(error)
            return
        if told:
            pump.run(told)

    def _cross(self, bridge: BridgedConversation, data: bytes) -> None:
        """Say to the other side what this one says; the usual chunk takes a short way."""
        pump = self.pump
        try:
            said = bridge.short(self.peer, data)
            told: Messages | None = None
            if said is None:
                crossed = bridge.cross(self.peer, data)
                if type(crossed) is not tuple:
                    pump.run(crossed)  # type: ignore[arg-type]
                    return
                said, told = crossed
            other = pump.legs[self.peer.other].transport
            if other is not None:
                other.write(said)
            if told is not None:
                pump.relay.tell_messages(pump, told)
        except Exception as error:  # noqa: BLE001 - whatever it is, other sessions go on
            pump.fault(error)

    def eof_received(self) -> bool:
        self.pump.run(self.pump.session.receive_eof(self.peer))
        # TLS cannot be closed by halves; plain TCP stays open for what the other side still says.
        return self.transport is not None and self.transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        if self._closing is not None:
            self._closing.cancel()
        self.pump.lost(self, exc)

    def pause_writing(self) -> None:
        self.pump.legs[self.peer.other].pause("the other side reads slowly")

    def resume_writing(self) -> None:
        self.pump.legs[self.peer.other].resume("the other side reads slowly")

    def pause(self, why: str) -> None:
        """Do not read until every reason for it is gone."""
        if not self._pauses and self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()
        self._pauses.add(why)

    def _stay_paused(self) -> None:
        if self._pauses and self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self, why: str) -> None:
        """One reason less not to read."""
        if why in self._pauses:
            self._pauses.discard(why)
            if not self._pauses and self.transport and not self.transport.is_closing():
                self.transport.resume_reading()

    def send_eof(self) -> None:
        """End our side; a transport that cannot do that alone is closed."""
        if self.transport is None or self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.close()

    def reset(self) -> None:
        """Drop the connection, so that the peer sees a reset."""
        if self.transport is None or self.gone:
            return
        connection: socket.socket | None = self.transport.get_extra_info("socket")
        if connection is not None:
            # Closing with nothing to linger for is what makes TCP send RST and not FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def close(self) -> None:
        """Close after what has been written, and without it when nobody reads that in time."""
        if self.transport is None or self.gone or self._closing is not None:
            return
        relay = self.pump.relay
        is_sent = self.transport.get_write_buffer_size() == 0 and not relay.is_secure(self.peer)
        self.transport.close()
        if not is_sent:
            timeout = relay.options.close_timeout
            self._closing = self.pump.loop.call_later(timeout, self.transport.abort)


class Pump:
    """What belongs to one session outside of it."""

    def __init__(self, relay: Relay, session: Session) -> None:
        self.relay = relay
        self.session = session
        self.loop = relay.loop
        self.last_activity = self.loop.time()
        self.legs = {peer: Leg(self, peer) for peer in Peer}
        self.proxy_header: ProxyHeader | None = None
        self.balancer: Address | None = None
        self._began = self.last_activity
        self._connecting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timed: float | None = None
        self._waker: asyncio.TimerHandle | None = None
        self._wakes_at = inf
        self._is_closing = False
        self._wakes = session.edits is not None or session.options.ping_interval > 0
        self._tasks: set[asyncio.Task[None]] = set()
        if session.edits is not None:
            session.edits.call_owner = self._called_by_script

    def run(self, commands: Iterable[Command]) -> None:
        """Carry out commands, each before the next is taken."""
        legs, tell, told = self.legs, self.relay.tell, False
        try:
            for command in commands:
                kind = type(command)
                if kind is Send:
                    transport = legs[command.peer].transport  # type: ignore[union-attr]
                    if transport is not None:
                        transport.write(command.data)  # type: ignore[union-attr]
                elif kind is Tell:
                    tell(command.record)  # type: ignore[union-attr]
                    told = True
                else:
                    self._rarely(command)
        except Exception as error:  # noqa: BLE001 - whatever it is, other sessions go on
            self.fault(error)
        if told:
            self.relay.settle(self)
        session = self.session
        if (
            session.phase.handshaking_since != self._timed
            or session.is_closing is not self._is_closing
        ):
            self._is_closing = session.is_closing
            self._arm()
        if self._wakes:
            self._wake_later()

    def _rarely(self, command: Command) -> None:
        match command:
            case PauseReading(peer):
                self.legs[peer].pause("the session waits for the other side")
            case ResumeReading(peer):
                self.legs[peer].resume("the session waits for the other side")
            case SendEof(peer):
                self.legs[peer].send_eof()
                self._arm()
            case Close(peer):
                self._close(peer)
            case Reset(peer):
                self.legs[peer].reset()
            case Await(awaitable, ticket):
                self._await(awaitable, ticket)
            case Connect():
                self._connecting = self.loop.create_task(self._connect())
            case Reconnect():
                self._reconnect()

    def made(self, leg: Leg) -> None:
        """A leg has its transport."""
        if leg.peer is Peer.CLIENT:
            self.run(self.session.start())
            self._tell_balancer()
            self._arm()
        elif self.session.ended:
            leg.close()
        else:
            self.run(self.session.connected())
            self.legs[Peer.CLIENT].resume(_CONNECTING)

    def _tell_balancer(self) -> None:
        if self.proxy_header is None or self.balancer is None:
            return
        version, time = self.proxy_header.version, self.session.now()
        text = f"came through {in_text(*self.balancer)}, by its PROXY {version} header"
        self.relay.tell(
            NoticeRecord(session=self.session.number, time=time, level="info", text=text)
        )

    @property
    def is_connecting(self) -> bool:
        """Whether there is no connection to the server yet, but there may be one."""
        return self._connecting is not None and self.legs[Peer.SERVER].transport is None

    def lost(self, leg: Leg, error: Exception | None) -> None:
        """A leg's transport is gone."""
        reason = None if error is None else in_words(error)
        self.run(self.session.connection_lost(leg.peer, reason))
        server = self.legs[Peer.SERVER]
        if self.legs[Peer.CLIENT].gone and (server.gone or server.transport is None):
            for timer in (self._timer, self._waker):
                if timer is not None:
                    timer.cancel()
            for task in self._tasks:
                task.cancel()
            self.relay.forget(self)

    def abort(self) -> None:
        """Drop both connections at once."""
        self._give_up_connecting()
        for leg in self.legs.values():
            if leg.transport is not None and not leg.gone:
                leg.transport.abort()

    def hold(self) -> None:
        """Read from neither side: whoever listens cannot keep up."""
        for leg in self.legs.values():
            leg.pause("the records are written slowly")

    def release(self) -> None:
        """Read again."""
        for leg in self.legs.values():
            leg.resume("the records are written slowly")

    def _close(self, peer: Peer) -> None:
        if peer is Peer.SERVER:
            self._give_up_connecting()
        self.legs[peer].close()

    def _give_up_connecting(self) -> None:
        # Not once there is a transport: uvloop would close it and never tell that it is lost.
        if self._connecting is not None and self.is_connecting:
            self._connecting.cancel()

    def _reconnect(self) -> None:
        transport = self.legs[Peer.SERVER].transport
        if transport is not None:
            # Whatever still becomes of it is of no interest.
            transport.set_protocol(asyncio.Protocol())
            transport.abort()
        self.legs[Peer.SERVER] = Leg(self, Peer.SERVER)
        self._connecting = self.loop.create_task(self._connect())

    async def _connect(self) -> None:
        options = self.relay.options
        upstream = options.session.upstream
        code = "upstream-unreachable"
        try:
            # A handshake's own time is over before.
            is_timed = self.session.handshaking_since is not None
            async with asyncio.timeout(None if is_timed else options.handshake_timeout):
                await connect_upstream(self)
            return
        except TimeoutError:
            reason = f"no connection within {options.handshake_timeout:g} s"
        except ssl.SSLError as error:
            code, reason = "upstream-tls-failed", upstream_tls_in_words(error)
        except (OSError, UnicodeError) as error:
            # UnicodeError: what cannot be a host's name is only found out when it is looked up.
            reason = in_words(error)
            if upstream.secure and isinstance(error, ConnectionResetError):
                # TCP stood already: a connection that cannot be made is refused, or times out.
                code = "upstream-tls-failed"
                reason = "the server ended the connection during the TLS handshake"
        self.run(self.session.connect_failed(reason, code))

    def _wake_later(self) -> None:
        """Let the session be woken when something that it holds back may leave."""
        due = self.session.due
        if due == self._wakes_at or (self._waker is not None and self._wakes_at <= due < inf):
            # A timer that goes off earlier is left alone: it looks again.
            return
        self._wakes_at = due
        if self._waker is not None:
            self._waker.cancel()
            self._waker = None
        if due < inf:
            self._waker = self.loop.call_later(max(0.0, due - self.session.age()), self._wake)

    def _called_by_script(self) -> None:
        # Perhaps from a thread of the script's own, perhaps after the loop has ended.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._waker, self._wakes_at = None, inf
        if self.session.holds_until <= self.session.age():
            self.last_activity = self.loop.time()
        self.run(self.session.wake())

    def _await(self, awaitable: Awaitable[None], ticket: int) -> None:
        task = self.loop.create_task(self._awaiting(awaitable, ticket))
        # Of what the session does not wait for, it does not see the end either.
        tasks = self._tasks if ticket else self.relay.tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _awaiting(self, awaitable: Awaitable[None], ticket: int) -> None:
        error: Exception | None = None
        try:
            await awaitable
        except Exception as fault:  # noqa: BLE001 - whatever it is, the session goes on
            error = fault
        if ticket:
            self.run(self.session.awaited(ticket, error))

    def _arm(self) -> None:
        """Wait for the one deadline that matters now.

        A timer that goes off earlier is left alone: it looks again.
        """
        self._timed = self.session.handshaking_since
        deadline, seconds = self._deadline()
        if not seconds or self.session.ended:
            return
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self.loop.call_at(deadline, self._check_time)

    def _deadline(self) -> tuple[float, float]:
        options = self.relay.options
        since = self.session.handshaking_since
        if since is not None:
            return self._began + since + options.handshake_timeout, options.handshake_timeout
        seconds = options.idle_timeout
        if self.session.half_closed:
            seconds = min(seconds or options.close_timeout, options.close_timeout)
        last = self.last_activity
        if self._wakes and self.session.holds_until < inf:
            # What is held back on purpose is no silence.
            last = max(last, self._began + self.session.holds_until)
        return last + seconds, seconds

    def _check_time(self) -> None:
        self._timer = None
        deadline, seconds = self._deadline()
        if seconds and self.loop.time() >= deadline:
            self.run(self.session.timed_out(seconds))
        else:
            self._arm()

    def fault(self, error: Exception) -> None:
        """We are wrong, not a peer: say so and give this session up."""
        number = self.session.number
        kind = type(error).__name__
        text = f"a fault of ws76proxy itself ends session {number}: {kind}: {error}"
        self.relay.tell(
            NoticeRecord(session=number, time=self.session.now(), level="error", text=text)
        )
        with contextlib.suppress(Exception):
            # Nothing is sent any more; whoever listens should know how it ended.
            for command in self.session.end():
                if isinstance(command, Tell):
                    self.relay.tell(command.record)
        self.session.ended = True
        self.abort()
