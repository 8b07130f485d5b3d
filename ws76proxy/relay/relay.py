"""Listens, makes a session for each client, and closes all of them in order at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, cast

from ws76proxy.diagnosis import HandshakeHistory
from ws76proxy.endpoint import in_text
from ws76proxy.record import AnyRecord, Messages
from ws76proxy.relay.behind import is_trusted, receive_proxy_header
from ws76proxy.relay.entropy import Entropy
from ws76proxy.relay.options import RelayOptions
from ws76proxy.relay.outlet import Listener
from ws76proxy.relay.proxy_header import Address, ProxyHeaderError
from ws76proxy.relay.pump import Leg, Pump
from ws76proxy.relay.tls import explain_listener_failure
from ws76proxy.session import DialectMemory, Editing, HeldView, Peer, Session
from ws76proxy.wire.connection import plain_response
from ws76proxy.words import in_words

__all__ = ["Relay"]

_KEPT = 4 << 20

_LEAST_WAIT = 0.02


class Relay:
    """The relay of one upstream.

    Use it as an asynchronous context manager: inside, it serves; `addresses` says where. Leaving it
    closes every session in order. `editing` is who may change what passes. `numbers` are those of
    its sessions, where it is not the only relay.
    """

    def __init__(
        self,
        options: RelayOptions,
        listeners: list[Listener],
        editing: Editing | None = None,
        *,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self.options = options
        self._editing = editing
        self.loop: asyncio.AbstractEventLoop
        self._listeners = listeners
        self._tells: list[Callable[[AnyRecord | Messages], None]] = [
            listener.tell for listener in listeners
        ]
        self._message_listeners = [one for one in listeners if one.wants_messages]
        self._pumps: dict[int, Pump] = {}
        self._held: set[Pump] = set()
        self._session_options = options.session
        self._numbers = count(1) if numbers is None else numbers
        # One relay has one server.
        self._history = HandshakeHistory()
        self._dialects = DialectMemory(time.monotonic)
        self._entropy = Entropy()
        self._server: asyncio.Server | None = None
        self._empty = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()
        """What is waited for beside the sessions, and cancelled when the relay stops."""
        self._awaiting = 0
        """Connections whose PROXY header is on its way: they have no session yet."""
        self.is_draining = False

    async def __aenter__(self) -> Relay:
        self.loop = asyncio.get_running_loop()
        _keep_memory()
        for listener in self._listeners:
            listener.start(self._drained)
        self._server = await self.loop.create_server(
            self._accept,
            self.options.host or None,
            self.options.port,
            backlog=1024,
            reuse_port=self.options.reuse_port or None,
        )
        # Only now is it known which port 0 became.
        where = self.options.session.listener._replace(port=self.addresses[0][1])
        self._session_options = replace(self.options.session, listener=where)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None  # noqa: S101 - set on the way in
        self._server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for pump in list(self._pumps.values()):
            pump.run(pump.session.shut_down())
        await self._wait_until_empty(self.options.close_timeout)
        for pump in list(self._pumps.values()):
            pump.abort()
        await self._wait_until_empty(1.0)
        for listener in reversed(self._listeners):
            # The first shows what those behind it, such as a recording, had to complain about.
            listener.stop()
            self._tell_complaints_of(listener)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each socket that is listened on."""
        sockets = self._server.sockets if self._server is not None else ()
        return [one.getsockname()[:2] for one in sockets]

    def held(self) -> list[tuple[int, HeldView, float]]:
        """The messages of all sessions that wait for a person: the session's number, the message,
        and the session's age, in seconds."""
        return [
            (pump.session.number, view, pump.session.age())
            for _, pump in sorted(self._pumps.items())
            for view in pump.session.held()
        ]

    def answer(
        self, session: int, number: int, content: bytes | None = None, *, drop: bool = False
    ) -> bool:
        """Decide about a held message: let it go on, with another content, or not at all.

        False: there is no such message, or not any more. Raises LocalProtocolError, and leaves it
        waiting, where the content cannot be framed.
        """
        pump = self._pumps.get(session)
        if pump is None:
            return False
        commands = pump.session.answer_held(number, content, drop=drop)
        if commands is None:
            return False
        pump.run(commands)
        return True

    @property
    def sessions(self) -> Iterator[Session]:
        """Those that have a connection, in no order."""
        return (pump.session for pump in self._pumps.values())

    async def idle(self) -> None:
        """Wait until no session is left, for --close-timeout at most."""
        await self._wait_until_empty(self.options.close_timeout)

    async def drain(self, seconds: float) -> None:
        """Accept nobody any more and end each session once it is idle; return when none is left,
        or after so many seconds."""
        assert self._server is not None  # noqa: S101 - set on the way in
        self.is_draining = True
        self._server.close()
        deadline = self.loop.time() + seconds
        while self._pumps or self.tasks:
            now = self.loop.time()
            if now >= deadline:
                return
            wait = min(self._end_idle(now), deadline - now)
            await self._wait_until_empty(wait)
            if not self._pumps and self.tasks:
                # A TLS handshake or PROXY header that is still on its way.
                await asyncio.wait(self.tasks, timeout=wait)

    def _end_idle(self, now: float) -> float:
        """End the sessions that are idle; in how many seconds another one may be."""
        quiet = self.options.drain_quiet
        wait = quiet
        for pump in list(self._pumps.values()):
            if pump.session.ended or pump.legs[Peer.CLIENT].transport is None:
                continue
            left = pump.last_activity + quiet - now
            if left > 0:
                wait = min(wait, left)
            elif pump.session.at_rest:
                pump.run(pump.session.shut_down())
        # Ten thousand sessions are not looked through more often than this.
        return max(wait, _LEAST_WAIT)

    def tell(self, record: AnyRecord | Messages) -> None:
        """Pass a record on to everyone who listens."""
        for tell in self._tells:
            tell(record)

    def tell_all(self, record: AnyRecord) -> None:
        """Tell something that belongs to no session."""
        self.tell(record)
        for listener in self._listeners:
            listener.settle()

    def tell_messages(self, pump: Pump, messages: Messages) -> None:
        """The same for messages, and nothing but messages, of a session's open conversation."""
        for listener in self._message_listeners:
            listener.tell(messages)
            if listener.is_full:
                self._hold(pump)

    def settle(self, pump: Pump) -> None:
        """A batch of a session's commands is done."""
        for listener in self._listeners:
            listener.settle()
            if listener.is_full:
                self._hold(pump)

    def _hold(self, pump: Pump) -> None:
        if pump not in self._held:
            self._held.add(pump)
            pump.hold()

    def forget(self, pump: Pump) -> None:
        """A session has no connections any more."""
        self._pumps.pop(pump.session.number, None)
        self._held.discard(pump)
        if not self._pumps:
            self._empty.set()

    def _drained(self) -> None:
        # Called from a listener's own thread, perhaps after the loop has ended.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        for listener in self._listeners:
            self._tell_complaints_of(listener)
        for listener in self._listeners:
            listener.settle()
        held, self._held = self._held, set()
        for pump in held:
            pump.release()

    def _tell_complaints_of(self, listener: Listener) -> None:
        """Pass on what a listener has to say itself, to all others."""
        for record in listener.complaints():
            for other in self._listeners:
                if other is not listener:
                    other.tell(record)

    async def _wait_until_empty(self, seconds: float) -> None:
        if not self._pumps:
            return
        self._empty.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return

    def _accept(self) -> asyncio.Protocol:
        if self.options.proxy_protocol:
            return _Early(self, self.serve_behind)
        if self.options.listener_tls is None:
            return _Plain(self)
        return _Early(self, self.serve_tls)

    def pump_for(self, client: Address) -> Pump:
        """A new session for a client that has just connected from there."""
        session = Session(
            next(self._numbers),
            self._session_options,
            client=in_text(*client),
            started=datetime.now(UTC).isoformat(timespec="milliseconds"),
            clock=time.monotonic,
            random_below=self._entropy.below,
            history=self._history,
            editing=self._editing,
            dialects=self._dialects,
        )
        pump = Pump(self, session)
        self._pumps[session.number] = pump
        return pump

    def is_secure(self, peer: Peer) -> bool:
        """Whether the connections to these peers use TLS."""
        options = self.options
        if peer is Peer.CLIENT:
            return options.listener_tls is not None
        return options.session.upstream.secure

    @property
    def is_full(self) -> bool:
        """Whether one more client would be too many."""
        return len(self._pumps) + self._awaiting >= self.options.max_connections

    def turn_away(self, transport: asyncio.Transport) -> None:
        """Tell a client that there is no room for it."""
        pump = self.pump_for(peer_of(transport))
        limit = self.options.max_connections
        detail = f"there are {limit} sessions already, the limit of --max-connections"
        self._refuse(pump, "too-many-connections", detail)
        if self.options.listener_tls is None:
            transport.write(plain_response(503, "Service Unavailable", f"{detail}\n"))
        transport.close()

    def _refuse(self, pump: Pump, code: str, detail: str) -> None:
        """A session that ends before it has a leg."""
        pump.run(pump.session.start())
        pump.run(pump.session.refuse(code, detail))
        self.forget(pump)

    def serve_tls(self, transport: asyncio.Transport) -> None:
        """Begin the TLS handshake with a client."""
        pump = self.pump_for(peer_of(transport))
        self._start(self._serve(pump, _taken_from(transport)))

    def serve_behind(self, transport: asyncio.Transport) -> None:
        """Read the PROXY header of a balancer, then serve the client that it names."""
        balancer = peer_of(transport)
        self._awaiting += 1
        self._start(self._serve_behind(balancer, _taken_from(transport)))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _serve(self, pump: Pump, connection: socket.socket) -> None:
        tls, seconds = self.options.listener_tls, self.options.handshake_timeout
        try:
            await self.loop.connect_accepted_socket(
                lambda: pump.legs[Peer.CLIENT],
                connection,
                ssl=tls,
                ssl_handshake_timeout=seconds if tls is not None else None,
            )
        except OSError as error:
            self._refuse(pump, *explain_listener_failure(error, seconds))
        except asyncio.CancelledError:
            pump.run(pump.session.start())
            pump.run(pump.session.shut_down())
            self.forget(pump)
            raise

    async def _serve_behind(self, balancer: Address, connection: socket.socket) -> None:
        options = self.options
        try:
            if not is_trusted(balancer[0], options.trusted_proxies):
                detail = f"{balancer[0]} is not among those of --proxy-protocol-from"
                raise ProxyHeaderError("proxy-header-untrusted", detail)
            header = await receive_proxy_header(
                connection, options.session.head_limits.size, options.handshake_timeout
            )
        except (ProxyHeaderError, OSError) as error:
            connection.close()
            pump = self.pump_for(balancer)
            if isinstance(error, ProxyHeaderError):
                self._refuse(pump, error.code, error.detail)
            else:
                self._refuse(pump, "connection-reset", in_words(error))
            return
        except asyncio.CancelledError:
            connection.close()
            raise
        finally:
            self._awaiting -= 1
        if header is None:
            connection.close()
            pump = self.pump_for(balancer)
            pump.run(pump.session.start())
            pump.run(pump.session.receive_eof(Peer.CLIENT))
            self.forget(pump)
            return
        pump = self.pump_for(header.source or balancer)
        pump.proxy_header, pump.balancer = header, balancer
        await self._serve(pump, connection)


def peer_of(transport: asyncio.Transport) -> Address:
    """Where the other end of a connection is."""
    host, port = (transport.get_extra_info("peername") or ("unknown", 0))[:2]
    return host, port


def _taken_from(transport: asyncio.Transport) -> socket.socket:
    """A transport's connection, of which it has not read a byte."""
    # Under uvloop a transport would read, and lose, the client's first bytes before `start_tls`
    # could take over.
    connection = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
    transport.abort()
    return connection


def _keep_memory() -> None:
    """Have glibc keep what is given back, up to twice this, instead of asking the kernel each time.

    asyncio takes 256 KiB for each read and gives most of them back. Above 128 KiB that is a
    mapping of its own: three system calls, which cost a small message more than all that is done
    with it, and page faults for each large one. Once a larger piece has been freed, there are none.
    """
    bytes(_KEPT)


class _Plain(asyncio.Protocol):
    """Gives a new connection its session's leg."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop has classes of its own
        if self._relay.is_full:
            self._relay.turn_away(transport)
            return
        leg: Leg = self._relay.pump_for(peer_of(transport)).legs[Peer.CLIENT]
        transport.set_protocol(leg)
        leg.connection_made(transport)


class _Early(asyncio.Protocol):
    """Hands over a new connection, of which something comes before the session's first byte."""

    def __init__(self, relay: Relay, serve: Callable[[asyncio.Transport], None]) -> None:
        self._relay = relay
        self._serve = serve

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop has classes of its own
        if self._relay.is_full:
            self._relay.turn_away(transport)
        else:
            self._serve(transport)
