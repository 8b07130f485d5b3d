"""The frames of an open hixie session inside mitmproxy: a thin driver of the session core."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from math import inf

from mitmproxy import connection, http
from mitmproxy.flow import Error
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.websocket import (
    WebsocketEndHook,
    WebsocketMessageHook,
    WebSocketMessageInjected,
    WebsocketStartHook,
)
from mitmproxy.proxy.utils import expect
from mitmproxy.websocket import WebSocketData, WebSocketMessage

from ws76proxy.diagnosis import Severity
from ws76proxy.mitm.handshake import Handshake
from ws76proxy.mitm.handshakes import forget
from ws76proxy.record import (
    AnyRecord,
    BytesRecord,
    ChangeRecord,
    ClosingRecord,
    FindingRecord,
    FrameRecord,
    MessageRecord,
    Messages,
    NoticeRecord,
)
from ws76proxy.session import (
    Await,
    PauseReading,
    Peer,
    Reset,
    ResumeReading,
    Send,
    SendEof,
    Tell,
)
from ws76proxy.session.bridging.decided import DecidedBridge
from ws76proxy.session.held import Decide, HeldCommand, HeldConversation, HeldMessage
from ws76proxy.wire import Dialect

__all__ = ["Awaited", "HixieLayer", "KillInjected", "WakeInjected"]

TEXT, BINARY = 1, 2
"""RFC 6455's opcodes, which is what mitmproxy's message types are."""
CLEAN, ABRUPT = 1005, 1006
"""What RFC 6455 calls a close without a code, and an end without a close."""


@dataclass
class Awaited:
    """What a script still does; `error` is why it failed, once that has been awaited."""

    awaitable: Awaitable[None]
    error: Exception | None = None


@dataclass
class KillInjected(events.MessageInjected[None]):
    """The user has killed the flow."""


@dataclass
class WakeInjected(events.MessageInjected[None]):
    """A script has done something while nobody looked."""


@dataclass
class Ws76AwaitHook(commands.StartHook):
    """A script takes its time: the addon awaits it."""

    awaited: Awaited


class HixieLayer(layer.Layer):
    """Stands where mitmproxy's WebsocketLayer stands for an RFC 6455 flow, with the same hooks."""

    def __init__(self, context: Context, flow: http.HTTPFlow, handshake: Handshake) -> None:
        super().__init__(context)
        self.flow = flow
        self._handshake = handshake
        self._phase: HeldConversation | DecidedBridge
        self._deciding: tuple[HeldMessage, WebSocketMessage] | None = None
        self._first_to_close: Peer | None = None
        self._unheard: dict[Peer, deque[bytes]] = {}
        """What has come from a peer that is not to be read."""
        self._resumed: set[Peer] = set()
        self._wake_due = inf

    @expect(events.Start)  # type: ignore[untyped-decorator]
    def _start(self, _: events.Start) -> layer.CommandGenerator[None]:
        self._handshake.is_in_layer = True
        self._phase = self._handshake.converse()
        self._handle_event = self._relay
        yield WebsocketStartHook(self.flow)
        yield from self._begin()
        yield from self._end_if_over()
        yield from self._wake_later()

    _handle_event = _start

    @expect(  # type: ignore[untyped-decorator]
        events.DataReceived,
        events.ConnectionClosed,
        events.Wakeup,
        WebSocketMessageInjected,
        KillInjected,
        WakeInjected,
    )
    def _relay(self, event: events.Event) -> layer.CommandGenerator[None]:
        yield from self._handle(event)
        yield from self._hear_what_waited()
        yield from self._end_if_over()
        yield from self._wake_later()

    def _done(self, _: events.Event) -> layer.CommandGenerator[None]:
        yield from ()

    # What happens

    def _begin(self) -> layer.CommandGenerator[None]:
        yield from self._carry_out(self._phase.begin())

    def _handle(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.DataReceived):
            peer = self._peer(event.connection)
            if peer in self._unheard:
                self._unheard[peer].append(event.data)
            else:
                yield from self._hear(peer, event.data)
        elif isinstance(event, events.Wakeup | WakeInjected):
            self._wake_due = inf
            yield from self._carry_out(self._handshake.session.wake())
        elif isinstance(event, events.ConnectionClosed):
            yield from self._ended(self._peer(event.connection))
        elif isinstance(event, WebSocketMessageInjected):
            yield from self._inject(event.message)

    def _ended(self, peer: Peer) -> layer.CommandGenerator[None]:
        """A peer will say no more."""
        self._first_to_close = self._first_to_close or peer
        # Both connections close now: what has come of a frame of the other is all of it.
        yield from self._carry_out(self._held.release(peer.other))
        for data in self._unheard.pop(peer, ()):
            yield from self._hear(peer, data)
        asked = self._handshake.session.connection_lost(peer, None)
        yield from self._carry_out(asked)
        if self._handshake.session.ended:
            yield from self._end()

    def _hear(self, peer: Peer, data: bytes) -> layer.CommandGenerator[None]:
        asked = self._handshake.session.receive_data(peer, data)
        yield from self._carry_out(asked)

    def _hear_what_waited(self) -> layer.CommandGenerator[None]:
        """Read from those who are to be read again."""
        for peer in tuple(self._resumed):
            self._resumed.discard(peer)
            waiting = self._unheard.pop(peer, deque())
            while waiting and peer not in self._unheard:
                yield from self._hear(peer, waiting.popleft())
            if waiting:
                self._unheard[peer].extend(waiting)

    def _wake_later(self) -> layer.CommandGenerator[None]:
        """Be woken when something that the session holds back may leave."""
        due = self._handshake.session.due
        if due < self._wake_due:
            self._wake_due = due
            seconds = max(0.0, due - self._handshake.session.age())
            yield commands.RequestWakeup(seconds)

    # What the session asks for

    def _carry_out(self, asked: Iterable[HeldCommand]) -> layer.CommandGenerator[None]:
        for command in asked:
            if self._is_killed and isinstance(command, Send | Decide):
                # It goes nowhere; what has come is told nevertheless.
                continue
            if isinstance(command, Send):
                yield from self._send(command.peer, command.data)
            elif isinstance(command, Decide):
                yield from self._decide(command.message)
            elif isinstance(command, Tell):
                yield from self._tell(command.record)
            elif isinstance(command, Await):
                yield from self._await(command)
            elif isinstance(command, SendEof):
                yield from self._finish(command.peer)
            elif isinstance(command, Reset):
                yield commands.CloseConnection(self._connection(command.peer))
            elif isinstance(command, PauseReading):
                # mitmproxy goes on reading: what it reads waits.
                self._unheard.setdefault(command.peer, deque())
            elif isinstance(command, ResumeReading):
                self._resumed.add(command.peer)

    def _send(self, peer: Peer, data: bytes) -> layer.CommandGenerator[None]:
        yield commands.SendData(self._connection(peer), data)

    def _finish(self, peer: Peer) -> layer.CommandGenerator[None]:
        # Only rules and scripts want this; a peer's own end ends both connections here.
        yield commands.CloseTcpConnection(self._connection(peer), half_close=True)

    def _await(self, command: Await) -> layer.CommandGenerator[None]:
        awaited = Awaited(command.awaitable)
        yield Ws76AwaitHook(awaited)
        asked = self._handshake.session.awaited(command.ticket, awaited.error)
        yield from self._carry_out(asked)

    def _decide(self, held: HeldMessage) -> layer.CommandGenerator[None]:
        content = held.payload
        kind = BINARY if held.binary else _opcode(content)
        message = WebSocketMessage(kind, held.peer is Peer.CLIENT, content, injected=held.injected)
        message.dropped = held.dropped
        if held.paused_by is not None:
            # A rule's breakpoint is an interception like the user's own.
            self.flow.intercept()
        if message.type == BINARY and not held.binary:
            self._handshake.told.values["messages_not_utf8"] += 1
        messages = self._websocket.messages
        messages.append(message)
        self._deciding = held, message
        yield WebsocketMessageHook(self.flow)
        changed: object = message.content
        if not isinstance(changed, bytes):
            # A script's slip; whoever reads the list later relies on bytes.
            message.content = str(changed).encode(errors="replace")
        held.content, held.dropped = message.content, message.dropped
        _set_type(held, message)
        self._let_go()

    def _tell(self, record: AnyRecord | Messages) -> layer.CommandGenerator[None]:
        self._handshake.record(record)
        if isinstance(record, Messages | MessageRecord | BytesRecord):
            return
        if isinstance(record, FrameRecord):
            text = f"{record.direction}: frame of type 0x{record.frame_type:02x}"
            fate = "read here" if self._handshake.is_bridged else "passed on"
            yield commands.Log(f"hixie: {text}, {record.size} bytes, {fate}", logging.DEBUG)
            return
        if isinstance(record, NoticeRecord) and record.level == "info":
            # What the list shows anyway.
            return
        if isinstance(record, ChangeRecord):
            yield from self._tell_change(record)
            return
        self._handshake.told.add(record)
        if isinstance(record, NoticeRecord):
            yield commands.Log(f"hixie: {record.text}", logging.WARNING)
            if self._deciding is not None:
                # An edit was refused: the list shows what was sent.
                held, message = self._deciding
                message.content = held.original
                _set_type(held, message)
        elif isinstance(record, FindingRecord):
            worry = record.severity in (Severity.ERROR, Severity.WARNING)
            level = logging.INFO if worry else logging.DEBUG
            text = f"{record.code}: {record.title}: {record.detail}"
            yield commands.Log(f"hixie: {record.stream or 'session'}: {text}", level)
        elif isinstance(record, ClosingRecord) and record.how == "closing-handshake":
            self._first_to_close = self._first_to_close or _peer_of(record)

    def _tell_change(self, record: ChangeRecord) -> layer.CommandGenerator[None]:
        if record.by == "person":
            # What the list shows anyway.
            return
        told = self._handshake.told
        told.add(record)
        number = f", message {record.number} of the {record.direction}" if record.number else ""
        detail = f": {record.detail}" if record.detail else ""
        text = f"{record.by} {record.name!r}: {record.deed}{number}{detail}"
        yield commands.Log(f"hixie: {text}", logging.INFO)
        if record.deed == "mark":
            told.mark(self.flow, ":pushpin:")
            told.comment(self.flow, f"mark {record.detail}", record.detail)

    def _inject(self, message: WebSocketMessage) -> layer.CommandGenerator[None]:
        if message.type != TEXT:
            text = "hixie: not injected: hixie has no binary messages"
            yield commands.Log(text, logging.WARNING)
            return
        self._deciding = None
        peer = Peer.CLIENT if message.from_client else Peer.SERVER
        yield from self._carry_out(self._held.inject(peer, message.content))

    def _let_go(self) -> None:
        """Forget the oldest messages where the user wants only so many in memory."""
        most = self._handshake.settings.max_messages
        messages = self._websocket.messages
        surplus = len(messages) - most
        if most and surplus > 0:
            del messages[:surplus]
            told = self._handshake.told
            told.values["messages_let_go"] += surplus
            count = told.values["messages_let_go"]
            text = f"{count} earlier messages were let go (ws76_max_messages={most})"
            told.comment(self.flow, "messages", text)

    # The end

    def _end_if_over(self) -> layer.CommandGenerator[None]:
        if self._is_killed:
            yield from self._end()
            return
        both_closed = len(self._held.closed) == 2
        is_holding = any(map(self._phase.is_holding, Peer))
        if self._handshake.session.ended or (both_closed and not is_holding):
            yield from self._end()

    def _end(self) -> layer.CommandGenerator[None]:
        if self._is_over:
            return
        self._handle_event = self._done
        websocket, handshake = self._websocket, self._handshake
        closer = self._closer
        code, reason = self._how(closer)
        websocket.timestamp_end = time.time()
        websocket.closed_by_client = None if closer is None else closer is Peer.CLIENT
        websocket.close_code, websocket.close_reason = code, reason
        if self._is_killed:
            killed = handshake.session.tell_closing("relay", "shutdown", "killed by the user")
            handshake.tell(killed)
        handshake.tell(handshake.session.end())
        handshake.told.values["closing"] = reason
        handshake.told.put(self.flow)
        for peer in (Peer.SERVER, Peer.CLIENT):
            yield from self._hang_up(peer)
        yield WebsocketEndHook(self.flow)
        self.flow.live = False
        forget(self.flow)

    def _hang_up(self, peer: Peer) -> layer.CommandGenerator[None]:
        yield commands.CloseConnection(self._connection(peer))

    @property
    def _closer(self) -> Peer | None:
        """Who was the first to end; None: neither peer."""
        return self._first_to_close

    def _how(self, closer: Peer | None) -> tuple[int, str]:
        if self._is_killed:
            return ABRUPT, Error.KILLED_MESSAGE
        who = "somebody" if closer is None else closer.label
        closed = self._held.closed
        if len(closed) == 2:
            return CLEAN, f"FF 00 from the {who}, answered"
        if closed:
            return CLEAN, f"FF 00 from the {who}, not answered"
        if self._handshake.dialect is Dialect.HIXIE_75:
            return CLEAN, f"the {who} closed the connection: hixie-75 has no other way"
        return ABRUPT, f"the {who} closed the connection without FF 00"

    @property
    def _is_over(self) -> bool:
        return bool(self._handle_event == self._done)

    @property
    def _is_killed(self) -> bool:
        error = self.flow.error
        return error is not None and error.msg == Error.KILLED_MESSAGE

    # Names

    @property
    def _held(self) -> HeldConversation:
        assert isinstance(self._phase, HeldConversation)  # noqa: S101 - others have their own layer
        return self._phase

    @property
    def _websocket(self) -> WebSocketData:
        # A revert puts the flow back to a time when it had none.
        if self.flow.websocket is None:
            self.flow.websocket = WebSocketData()
            self._handshake.told.put(self.flow)
        return self.flow.websocket

    def _peer(self, conn: connection.Connection) -> Peer:
        return Peer.CLIENT if conn == self.context.client else Peer.SERVER

    def _connection(self, peer: Peer) -> connection.Connection:
        return self.context.client if peer is Peer.CLIENT else self.context.server


def _peer_of(closing: ClosingRecord) -> Peer | None:
    """Who has closed; None: a rule or a script, in between."""
    return None if closing.by == "relay" else Peer(closing.by)


def _opcode(content: bytes) -> int:
    """Text is marked as text only where it can be read as such: exporters rely on it."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return BINARY
    return TEXT


def _set_type(held: HeldMessage, message: WebSocketMessage) -> None:
    kind = BINARY if held.binary else _opcode(message.content)
    message.type = type(message.type)(kind)
