"""The conversation where messages may be changed: each is held until it has been decided."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, cast

from ws76proxy.diagnosis import FrameChecks
from ws76proxy.errors import LocalProtocolError
from ws76proxy.record import Messages, NoticeRecord
from ws76proxy.session.commands import Command, Peer, Send, Tell
from ws76proxy.session.core import Session
from ws76proxy.session.phase import Phase
from ws76proxy.session.telling import tell_bytes, tell_end_of_stream, tell_frame
from ws76proxy.wire.connection import Connection
from ws76proxy.wire.events import (
    AbsurdLength,
    ClosingHandshake,
    EndOfStream,
    FrameEvent,
    InvalidText,
    OversizedFrame,
    TextFrames,
)
from ws76proxy.wire.frames import CLOSING_HANDSHAKE, encode_text

__all__ = ["Decide", "HeldCommand", "HeldConversation", "HeldMessage"]

_MOST_SHOWN = 1000


class HeldMessage:
    """One text message between its coming and its going; whoever decides may change it.

    `peer` is who said it, or in whose name it is said. `content` is the payload in bytes, valid
    UTF-8 or not, and may be set anew, also to a text; with `dropped` set nothing goes on.
    `original` is the payload that came and `frame` all its bytes. `number` counts the messages of
    this peer from 1; 0 for one that is `injected`.
    """

    __slots__ = ("content", "dropped", "frame", "injected", "number", "original", "peer")

    def __init__(self, peer: Peer, frame: bytes, number: int, *, injected: bool = False) -> None:
        self.peer = peer
        self.frame = frame
        self.number = number
        self.injected = injected
        self.original = frame[1:-1]
        self.content: bytes | str = self.original
        self.dropped = False


class Decide(NamedTuple):
    """Decide about a message: leave it, change its content, or drop it; then go on."""

    message: HeldMessage


HeldCommand = Command | Decide


class _Stream:
    """What one peer says: who reads it, who counts it, who looks for faults, what is held."""

    __slots__ = ("checks", "closed", "connection", "peer", "traffic", "unread_from", "unsent")

    def __init__(self, session: Session, peer: Peer, connection: Connection[Any]) -> None:
        self.peer = peer
        self.connection = connection
        self.traffic = session.traffic[peer]
        self.checks = FrameChecks(peer.stream, connection.dialect, begin=connection.frames_offset)
        self.unsent = _Unsent()
        self.unread_from: int | None = None
        self.closed = False


class HeldConversation(Phase):
    """Passes each frame on when it is whole and, where it is a text message, decided.

    A message whose content was left alone leaves in its own bytes, whatever they are. A content
    that cannot be framed is refused with a notice, and the original goes on instead. All other
    frames pass as they came. What is longer than the session's `max_message` cannot be held: it
    passes unread, as does everything after a length that cannot be understood.

    Told is what came, when it came: messages before they are decided. Where a recording is wanted
    (`lossless`), a notice behind a message says what became of one that did not go on as it came.

    Both connections have read their handshake and nothing of what came behind has been passed on.
    """

    def __init__(self, session: Session, client: Connection[Any], server: Connection[Any]) -> None:
        super().__init__(session)
        self._streams = {
            Peer.CLIENT: _Stream(session, Peer.CLIENT, client),
            Peer.SERVER: _Stream(session, Peer.SERVER, server),
        }

    def begin(self) -> Iterator[HeldCommand]:
        """Read what came with the handshake."""
        held = {}
        for stream in self._streams.values():
            held[stream.peer] = stream.connection.trailing_data
            stream.unsent.add(held[stream.peer])
            stream.connection.open()
        for stream in self._streams.values():
            yield from self._look(stream)
            yield from self._tell_unread(stream, held[stream.peer])

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[HeldCommand]:  # type: ignore[override]
        stream = self._streams[peer]
        stream.unsent.add(data)
        stream.connection.receive_data(data)
        yield from self._look(stream)
        yield from self._tell_unread(stream, data)

    def receive_eof(  # type: ignore[override]
        self, peer: Peer, reset: str | None = None
    ) -> Iterator[HeldCommand]:
        stream = self._streams[peer]
        stream.connection.receive_eof()
        yield from self._look(stream)
        yield from super().receive_eof(peer, reset)
        if stream.connection.closing_handshake and not stream.closed:
            other_closed = self._streams[peer.other].closed
            yield from tell_end_of_stream(self.session, peer, reset, other_closed=other_closed)

    def ending(self) -> Iterator[Command]:
        for stream in self._streams.values():
            decoder = stream.connection.decoder
            if decoder is not None and not stream.traffic.ended:
                yield from self._tell_unfinished(stream, decoder.end())

    def shut_down(self) -> Iterator[Command]:
        for stream in self._streams.values():
            may_close = stream.connection.closing_handshake and not stream.closed
            if may_close and not stream.unsent.is_passing and not stream.traffic.ended:
                yield Send(stream.peer.other, CLOSING_HANDSHAKE)

    def inject(self, peer: Peer, content: bytes | str) -> Iterator[HeldCommand]:
        """Say something in a peer's name; it is decided like any other message.

        Refused with a notice where it cannot be framed, or where the stream has no place for it.
        """
        stream = self._streams[peer]
        try:
            frame = encode_text(content)
        except LocalProtocolError as error:
            yield self._notice(f"not injected: {error}")
            return
        if stream.unsent.is_passing:
            yield self._notice(f"not injected: a frame of the {peer.label} is passing")
        elif stream.closed:
            yield self._notice(f"not injected: the {peer.label} has sent FF 00")
        else:
            yield from self._settle(HeldMessage(peer, frame, 0, injected=True))

    def release(self, peer: Peer) -> Iterator[Command]:
        """Let go of a frame of this peer that will not become whole: nobody waits for it."""
        rest = self._streams[peer].unsent.pass_on()
        if rest:
            yield Send(peer.other, rest)

    @property
    def closed(self) -> frozenset[Peer]:
        """Who has sent the closing handshake."""
        return frozenset(peer for peer, stream in self._streams.items() if stream.closed)

    def _look(self, stream: _Stream) -> Iterator[HeldCommand]:
        # An open connection has nothing but frames, and their end, to tell.
        for event in cast("list[FrameEvent | EndOfStream]", stream.connection.events()):
            if isinstance(event, TextFrames | InvalidText):
                stream.unsent.take(len(event.raw))
                yield from self._hold(stream, event)
            else:
                yield from self._pass(stream, event)
            diagnoses = stream.checks.look(event)
            if diagnoses:
                yield from self.session.tell_findings(diagnoses)
        decoder = stream.connection.decoder
        if decoder is not None and decoder.awaited is not None:
            yield from self.session.tell_findings(stream.checks.look_at_begun(decoder))
        unsent = stream.unsent
        if unsent.size > self.session.options.max_message or (unsent.size and unsent.is_passing):
            yield Send(stream.peer.other, unsent.pass_on())

    def _hold(self, stream: _Stream, event: TextFrames | InvalidText) -> Iterator[HeldCommand]:
        frames = _frames(event)
        first = stream.traffic.messages + 1
        stream.traffic.messages += len(frames)
        session = self.session
        if session.options.messages:
            label = stream.peer.label
            yield Tell(Messages(session.number, session.now(), label, first, event))
        for number, frame in enumerate(frames, first):
            yield from self._settle(HeldMessage(stream.peer, frame, number))

    def _pass(self, stream: _Stream, event: FrameEvent | EndOfStream) -> Iterator[Command]:
        session, peer, unsent = self.session, stream.peer, stream.unsent
        if isinstance(event, EndOfStream):
            rest = unsent.take_all()
            if rest:
                yield Send(peer.other, rest)
            yield from self._tell_unfinished(stream, event)
            return
        size = event.size if isinstance(event, OversizedFrame) else len(event.raw)
        if isinstance(event, AbsurdLength):
            unsent.is_lost = True
            stream.unread_from = event.offset + len(event.raw)
            yield Send(peer.other, unsent.take_all())
        else:
            yield Send(peer.other, unsent.take(size))
        stream.traffic.frames += 1
        if isinstance(event, ClosingHandshake):
            stream.closed = True
            self._streams[peer.other].checks.other_closed()
            yield from session.tell_closing(peer.label, "closing-handshake", "", event.offset)
        elif session.options.messages:
            yield from tell_frame(session, peer, event)

    def _settle(self, message: HeldMessage) -> Iterator[HeldCommand]:
        """Have a message decided, and carry the decision out."""
        yield Decide(message)
        who = f"message {message.number} of the {message.peer.label}"
        if message.injected:
            who = f"a message in the name of the {message.peer.label}"
        if message.dropped:
            yield from self._note_change(f"{who} was dropped")
            return
        frame = message.frame
        changed = message.content != message.original
        if changed:
            try:
                frame = encode_text(message.content)
            except LocalProtocolError as error:
                message.content, changed = message.original, False
                yield self._notice(f"{who} goes on unchanged: the new content cannot: {error}")
        yield Send(message.peer.other, frame)
        if message.injected:
            yield from self._note_change(f"{who} was injected: {_shown(frame[1:-1])}")
        elif changed:
            yield from self._note_change(f"{who} went on as {_shown(frame[1:-1])}")

    def _tell_unfinished(self, stream: _Stream, end: EndOfStream) -> Iterator[Command]:
        if self.session.options.lossless and end.raw and stream.unread_from is None:
            yield from tell_bytes(self.session, stream.peer, end.offset, end.raw)

    def _tell_unread(self, stream: _Stream, data: bytes) -> Iterator[Command]:
        """What stands behind a length that cannot be understood is not decoded any more."""
        begin = stream.unread_from
        if begin is None or not self.session.options.lossless:
            return
        unread = data[max(0, len(data) - (stream.traffic.bytes - begin)) :]
        if unread:
            offset = stream.traffic.bytes - len(unread)
            yield from tell_bytes(self.session, stream.peer, offset, unread)

    def _note_change(self, text: str) -> Iterator[Command]:
        if self.session.options.lossless:
            yield self._notice(text, "info")

    def _notice(self, text: str, level: Literal["info", "warning"] = "warning") -> Tell:
        session = self.session
        return Tell(
            NoticeRecord(session=session.number, time=session.now(), level=level, text=text)
        )


class _Unsent:
    """Bytes of one peer that have come and not left: never more than one unfinished frame."""

    __slots__ = ("_begin", "_chunks", "_passed", "is_lost", "size")

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._begin = 0
        self._passed = 0
        self.size = 0
        self.is_lost = False

    @property
    def is_passing(self) -> bool:
        """Whether part of a frame has left already, or nobody knows where frames begin."""
        return self._passed > 0 or self.is_lost

    def add(self, data: bytes) -> None:
        """Bytes have come."""
        if data:
            self._chunks.append(data)
            self.size += len(data)

    def take(self, size: int) -> bytes:
        """What is left of the frame of that size at the front; it is no longer unsent."""
        missing = size - self._passed
        self._passed = 0
        self.size -= missing
        pieces = []
        while missing:
            chunk = self._chunks[0]
            end = min(self._begin + missing, len(chunk))
            pieces.append(chunk[self._begin : end])
            missing -= end - self._begin
            self._begin = end
            if end == len(chunk):
                self._chunks.popleft()
                self._begin = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def take_all(self) -> bytes:
        """Everything, whatever it is."""
        return self.take(self.size + self._passed)

    def pass_on(self) -> bytes:
        """Everything, as the beginning of a frame that is not whole yet."""
        passed = self._passed + self.size
        data = self.take_all()
        self._passed = passed
        return data


def _frames(event: TextFrames | InvalidText) -> list[bytes]:
    """The frames one by one: what ends one stands in none."""
    if isinstance(event, InvalidText) or event.count == 1:
        return [event.raw]
    return [payload + b"\xff" for payload in event.raw[:-1].split(b"\xff")]


def _shown(payload: bytes) -> str:
    """A message in a notice: its beginning where it is long."""
    text = repr(payload[:_MOST_SHOWN].decode(errors="backslashreplace"))
    more = len(payload) - _MOST_SHOWN
    return f"{text} and {more:,} bytes more" if more > 0 else text
