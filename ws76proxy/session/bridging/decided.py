"""The bridged conversation where messages may be changed: each is decided before it is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, cast

from msgspec import structs

from ws76proxy.bridge import Ended
from ws76proxy.diagnosis import Diagnosis
from ws76proxy.errors import LocalProtocolError
from ws76proxy.session.bridging.conversation import BridgedConversation
from ws76proxy.session.bridging.legs import Leg
from ws76proxy.session.bridging.side import Side
from ws76proxy.session.bridging.telling import TextEvent, tell_messages
from ws76proxy.session.changes import Changes
from ws76proxy.session.commands import Command, Peer
from ws76proxy.session.deciding import Deciding
from ws76proxy.session.lane import Entry, Lane, Make
from ws76proxy.session.message import HeldMessage
from ws76proxy.session.outgoing import Outgoing
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import Event, InvalidText, Message, TextFrames, TextMessages
from ws76proxy.wire.frames import CLOSING_HANDSHAKE, encode_text, frame_texts
from ws76proxy.wire.utf8 import is_utf8

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["DecidedBridge"]


class DecidedBridge(BridgedConversation):
    """The same, with rules, scripts and persons between both sides.

    What waits is text in frames of hixie, whatever its sender speaks; it becomes what its receiver
    gets when it leaves, for only then is known what has left before. Everything else waits its turn
    as it came.
    """

    def __init__(
        self,
        session: Session,
        client: Leg,
        server: Leg,
        *,
        base64: bool,
        lanes: dict[Peer, Lane],
        asks_owner: bool = False,
    ) -> None:
        """`lanes` are the queues towards both peers, where something of the handshake may wait.

        With `asks_owner`, the connections' owner decides about each message, binary ones too.
        """
        super().__init__(session, client, server, base64=base64)
        self._lanes = lanes
        self._changes = Changes(session)
        self._ends: list[tuple[Side, Ended]] = []
        self._found: list[Diagnosis] = []
        self.outgoing = Outgoing(
            session,
            lanes,
            self._changes,
            frame=self._frame,
            frames=lambda _to, contents: frame_texts(contents),
            closing=self._closing,
            may_insert=lambda to: not self._sides[to].connection.sent_close,
            makes={peer: partial(self._made, self._sides[peer]) for peer in Peer},
        )
        self._asks_owner = asks_owner
        self._deciding = Deciding(session, self.outgoing, self._changes, asks_owner=asks_owner)

    def begin(self) -> Iterator[Command]:
        if self.session.edits is not None:
            self.session.edits.opens()
        yield from super().begin()

    # What a side says

    def _texts(self, side: Side, heard: TextFrames | TextMessages) -> Iterator[Command]:
        yield from self._heard(side, [heard])

    def _heard(self, side: Side, events: Sequence[Event]) -> Iterator[Command]:
        yield from self._back(side)
        for number, event in enumerate(events, 1):
            # What came in one piece leaves in one, if it can.
            self._deciding.gathers = number < len(events) and not self._asks_owner
            if side.ended is not None:
                yield from self._tell(side, [event])
                continue
            if isinstance(event, Message) and event.binary and self._asks_owner:
                yield from self._binary(side, event)
            elif isinstance(event, TextEvent) and not (isinstance(event, Message) and event.binary):
                yield from self._text(side, event)
            else:
                yield from self._tell(side, [event])
                # What it says of an end counts when its turn has come.
                yield from self._pass(side, event.raw, partial(self._carried, side, event))
        yield from self.session.tell_findings(side.look_at_begun())

    def _text(self, side: Side, event: TextEvent) -> Iterator[Command]:
        frames = _as_frames(event)
        first = side.traffic.messages + 1
        side.traffic.messages += frames.count
        decided = self._deciding.texts(
            side.peer,
            frames,
            first,
            tell_messages(self.session, side, event, first),
            singly=_one_by_one(event) if isinstance(event, TextMessages) else None,
            make=partial(self._carried_text, side, event),
        )
        yield from self._decided(decided)
        yield from self.session.tell_findings(side.look(event))

    def _pass(self, side: Side, data: bytes, make: Make) -> Iterator[Command]:
        """Something that nobody decides about waits its turn."""
        lane = self._lanes[side.peer.other]
        if not lane.is_closed:
            yield from self._decided(self._deciding.pass_on(side.peer, data, make=make))
            return

        def means(_data: bytes) -> bytes:
            make(data)
            return b""

        # Nothing is said to the other side behind our end; what this means for the session counts,
        # once the other side has got what waits before.
        lane.close(Entry(b"", make=means))
        yield from self._decided(self._deciding.go())

    def _binary(self, side: Side, event: Message) -> Iterator[Command]:
        """A binary message, of which the owner decides what the other side is to get."""
        yield from self._tell(side, [event])
        number, frame = side.traffic.messages, frame_texts([event.payload])
        message = HeldMessage(side.peer, frame, number, offset=event.offset)
        message.make = partial(self._carried_binary, side, event)
        yield from self._decided(self._deciding.message(message))

    def _carried_binary(self, side: Side, event: Message, frame: bytes) -> bytes:
        return self._carried(side, structs.replace(event, payload=frame[1:-1]), frame)

    def _carried(self, side: Side, event: Event, _data: bytes) -> bytes:
        """What the other side gets of an event that is no text."""
        if side.ended is not None:
            return b""
        diagnoses, ended = side.carrier.carry(event)
        self._found += diagnoses
        if ended is not None:
            self._ends.append((side, ended))
        return self._sides[side.peer.other].connection.data_to_send()

    def _carried_text(self, side: Side, event: Event, _frames: bytes) -> bytes:
        """The same of text that nobody has touched; it has been said, however its side ends."""
        self._found += side.carrier.carry(event).diagnoses
        return self._sides[side.peer.other].connection.data_to_send()

    def _made(self, side: Side, frames: bytes) -> bytes:
        """Frames of hixie as this side gets them."""
        carrier = self._sides[side.peer.other].carrier
        if frames == CLOSING_HANDSHAKE:
            side.was_closed = True
            side.connection.send_close()
            self.session.is_closing = True
            return side.connection.data_to_send()
        texts = TextFrames(0, frames, frames.count(0xFF))
        if side.modern is None or is_utf8(frames.replace(b"\xff", b"")):
            carried = [carrier.carry(texts)]
        else:
            carried = [carrier.carry(_text_event(payload)) for payload in texts.payloads]
        for diagnoses, _ in carried:
            # What has been decided may stand at no place of its sender's stream.
            self._found += [replace(diagnosis, offset=None) for diagnosis in diagnoses]
        return side.connection.data_to_send()

    # What time and persons bring

    def inject(
        self, peer: Peer, content: bytes | str, *, binary: bool = False
    ) -> Iterator[Command]:
        """Say something in a peer's name, by a person's wish.

        Refused with a notice where the other side cannot be told it.
        """
        side, other = self._sides[peer], self._sides[peer.other]
        if side.ended is not None or other.ended is not None or other.connection.sent_close:
            yield self._changes.notice("not injected: the session is about to end")
            return
        payload = content if isinstance(content, bytes) else content.encode()
        if binary and not side.carrier.can_say_binary(payload):
            yield self._changes.notice(f"not injected: {other.dialect} has no binary messages")
            return
        try:
            frame = frame_texts([payload]) if binary else self._frame(peer.other, content)
        except LocalProtocolError as error:
            yield self._changes.notice(f"not injected: {error}")
            return
        message = HeldMessage(peer, frame, 0, injected=True)
        if binary:
            event = Message(side.traffic.bytes, b"", payload, binary=True)
            message.make = partial(self._carried_binary, side, event)
        yield from self._decided(self._deciding.message(message))

    def _decided(self, commands: Iterable[object]) -> Iterator[Command]:
        """Carry out what was decided, then what became known when things left."""
        yield from cast("Iterable[Command]", commands)
        found, self._found = self._found, []
        yield from self.session.tell_findings(found)
        while self._ends and not self.session.ended:
            yield from self._has_ended(*self._ends.pop(0))

    def ended(self, peer: Peer, reset: str | None = None) -> Iterator[Command]:
        side = self._sides[peer]
        yield from super().ended(peer, reset)
        if not self.session.ended:
            yield from self._decided(self._deciding.ended(side.peer))

    def is_holding(self, peer: Peer) -> bool:
        return super().is_holding(peer) or self._deciding.is_holding(peer)

    def lost(self, peer: Peer) -> None:
        self.outgoing.lost(peer)

    @property
    def at_rest(self) -> bool:
        return super().at_rest and not any(self._deciding.is_holding(peer) for peer in Peer)

    @property
    def due(self) -> float:
        return min(super().due, self.outgoing.due)

    @property
    def holds_until(self) -> float:
        return self.outgoing.due

    def wake(self) -> Iterator[Command]:
        yield from super().wake()
        yield from self._decided(self._deciding.wake())

    def awaited(self, ticket: int, error: BaseException | None) -> Iterator[Command]:
        yield from self._decided(self._deciding.awaited(ticket, error))

    def answer(
        self, number: int, content: bytes | None = None, *, drop: bool = False
    ) -> Iterator[Command] | None:
        """A person has decided about a message that waits, see `Outgoing.answer`."""
        answered = self.outgoing.answer(number, content, drop=drop)
        if answered is None:
            return None
        return self._decided(chain(answered, self._deciding.go()))

    def ending(self) -> Iterator[Command]:
        yield from super().ending()
        yield from self._deciding.ending()

    def _lost(self, side: Side, ended: Ended) -> Iterator[Command]:
        def end(_data: bytes) -> bytes:
            self._ends.append((side, ended))
            return b""

        yield from self._pass(side, b"", end)

    def _leave(self) -> Iterator[Command]:
        # The connections' owner is asked nothing.
        yield from cast("Iterator[Command]", self._deciding.flush())
        found, self._found = self._found, []
        yield from self.session.tell_findings(found)
        for side, ended in self._ends:
            side.ended = side.ended or ended
        self._ends.clear()
        yield from super()._leave()

    def _back(self, side: Side) -> Iterator[Command]:
        said = side.connection.data_to_send()
        if said and self.session.hears(side.peer):
            yield from self._lanes[side.peer].interject(said)

    # How this conversation writes what it has to say itself

    def _frame(self, to: Peer, content: bytes | str) -> bytes:
        frame = encode_text(content)
        if self._sides[to].modern is not None and not is_utf8(frame[1:-1]):
            raise LocalProtocolError("a text message of RFC 6455 must be UTF-8 (5.6)")
        return frame

    def _closing(self, to: Peer) -> bytes:
        side = self._sides[to]
        cannot = side.dialect is Dialect.HIXIE_75 or side.connection.sent_close
        return b"" if cannot else CLOSING_HANDSHAKE


def _as_frames(event: TextEvent) -> TextFrames | InvalidText:
    """Text as frames of hixie."""
    if isinstance(event, TextMessages):
        return TextFrames(event.offset, frame_texts(event.payloads), event.count)
    if isinstance(event, Message):
        return TextFrames(event.offset, frame_texts([event.payload]), 1)
    return event


def _one_by_one(event: TextMessages) -> Iterator[TextFrames]:
    """The same, each message at its place in its sender's stream."""
    for offset, payload in zip(event.offsets, event.payloads, strict=True):
        yield TextFrames(offset, frame_texts([payload]), 1)


def _text_event(payload: bytes) -> TextFrames | InvalidText:
    """One message of hixie, as its decoder would tell it."""
    frame = frame_texts([payload])
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        text = payload.decode(errors="replace")
        return InvalidText(0, frame, text, error.start, error.end)
    return TextFrames(0, frame, 1)
