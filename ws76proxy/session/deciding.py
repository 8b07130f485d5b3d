"""Who decides about a message, in order: the rules, the scripts, and the connections' owner."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from ws76proxy.errors import LocalProtocolError
from ws76proxy.record import MessageRecord
from ws76proxy.rules.decisions import MessageDecision
from ws76proxy.scripting import Waiting
from ws76proxy.session.changes import Changes
from ws76proxy.session.commands import Await, Command, Peer, Tell
from ws76proxy.session.edits import SessionEdits
from ws76proxy.session.lane import Make
from ws76proxy.session.message import Decide, HeldMessage
from ws76proxy.session.outgoing import Outgoing
from ws76proxy.wire.events import InvalidText, TextFrames
from ws76proxy.wire.frames import frame_texts

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Deciding"]


class _Whole(NamedTuple):
    """Bytes that nobody decides about; `texts`: how many text messages they are; `closes`: they
    are a closing handshake. `make` as for `Entry`."""

    data: bytes
    texts: int = 0
    closes: bool = False
    make: Make | None = None


class _Pending(NamedTuple):
    """A message that a script thinks about, and what the rules made of it."""

    ticket: int
    message: HeldMessage
    decision: MessageDecision | None


class Deciding:
    """Has the messages of a session decided, each peer's in order, and passes them to `outgoing`.

    While a script thinks about one, what the same peer says behind it waits here.
    """

    def __init__(
        self, session: Session, outgoing: Outgoing, changes: Changes, *, asks_owner: bool
    ) -> None:
        self._session = session
        self._edits = session.edits
        self._out = outgoing
        self._changes = changes
        self._asks_owner = asks_owner
        self._waiting = {peer: deque[HeldMessage | _Whole]() for peer in Peer}
        self._undecided = dict.fromkeys(Peer, 0)
        self._pending: dict[Peer, _Pending] = {}
        self._ended: set[Peer] = set()
        self._is_hurried = False
        """There is no time for scripts any more."""
        self.gathers = False
        """More comes in the same piece: it leaves in one piece too."""

    # What comes

    def pass_on(
        self, peer: Peer, data: bytes, count: int = 0, make: Make | None = None
    ) -> Iterator[Command]:
        """Bytes of a peer that nobody decides about go on, behind what it said before; `count`:
        how many text messages they are. `make` as for `Entry`, where it is not the usual one."""
        yield from self._take(peer, _Whole(data, count, make=make))

    def pass_closing(self, peer: Peer, data: bytes) -> Iterator[Command]:
        """The same for its closing handshake: no message follows."""
        yield from self._take(peer, _Whole(data, closes=True))

    def texts(
        self,
        peer: Peer,
        event: TextFrames | InvalidText,
        first: int,
        told: Iterable[Command],
        *,
        singly: Iterable[TextFrames | InvalidText] | None = None,
        make: Make | None = None,
    ) -> Iterator[Command | Decide]:
        """Text that a peer has said goes on, as those decide who have a say in it.

        `first`: the number of the first message. `told` tells them; where something is hidden, they
        are told as they are decided. `singly`: the same text a message at a time, where its offsets
        are not those of these frames. `make` as for `Entry`, for what nobody touches.
        """
        if self._edits is not None:
            # Messages are decided by the rules that are in force when they come.
            self._edits.refresh()
        if self._hides:
            for one in (event,) if singly is None else singly:
                yield from self._decide_frames(peer, one, first)
                first += one.count
        elif self._lets_pass(peer, event.raw, first, event.count):
            yield from self.pass_on(peer, event.raw, event.count, make)
            yield from told
        else:
            yield from told
            yield from self._decide_frames(peer, event, first)

    def message(self, message: HeldMessage) -> Iterator[Command | Decide]:
        """Decide about one message."""
        if message.peer in self._pending:
            self._wait(message.peer, message, len(message.frame))
        else:
            yield from self._decide(message)
        yield from self.go()

    def ended(self, peer: Peer) -> Iterator[Command]:
        """A peer says no more: what waits for its next message does so in vain."""
        self._ended.add(peer)
        yield from self.go()

    def is_holding(self, peer: Peer) -> bool:
        """Whether something that this peer said has not left."""
        return peer in self._pending or self._out.is_holding(peer)

    # What time brings

    def wake(self) -> Iterator[Command]:
        """Let go of what has waited long enough; do what scripts want done."""
        if self._edits is not None:
            yield from self._edits.do_deeds(self._out)
        yield from self._out.expire()
        yield from self.go()

    def go(self) -> Iterator[Command]:
        """What may leave leaves; who may be read is read."""
        out = self._out
        if self.gathers:
            return
        for peer in self._ended:
            if peer not in self._pending:
                out.lane(peer).end_swaps()
        yield from out.leave()
        yield from out.settle(self._undecided)

    def awaited(self, ticket: int, error: BaseException | None) -> Iterator[Command | Decide]:
        """A script has come to its decision, or has been given up."""
        for peer, (number, message, decision) in tuple(self._pending.items()):
            if number != ticket:
                continue
            del self._pending[peer]
            if error is not None:
                yield self._changes.notice(f"{message.label} goes on without the script: {error}")
            yield from self._conclude(message, decision)
            waiting = self._waiting[peer]
            while waiting and peer not in self._pending:
                item = waiting.popleft()
                if isinstance(item, HeldMessage):
                    self._undecided[peer] -= len(item.frame)
                    yield from self._decide(item)
                else:
                    self._undecided[peer] -= len(item.data)
                    self._put(peer, item)
        yield from self.go()

    def flush(self) -> Iterator[Command | Decide]:
        """The session is about to be closed: what waits leaves, without the scripts' decision."""
        # There is no time for anybody to be asked.
        self._is_hurried, self._asks_owner = True, False
        for peer in Peer:
            pending, waiting = self._pending.pop(peer, None), self._waiting[peer]
            if pending is not None:
                yield from self._conclude(pending.message, pending.decision)
            while waiting:
                item = waiting.popleft()
                if isinstance(item, HeldMessage):
                    yield from self._decide(item)
                else:
                    self._put(peer, item)
            self._undecided[peer] = 0
        for peer in Peer:
            yield from self._out.flush(peer)

    def ending(self) -> Iterator[Command]:
        """Say what never left."""
        left = self._out.left + len(self._pending)
        for items in self._waiting.values():
            for item in items:
                left += item.texts
                if isinstance(item, HeldMessage) and not item.is_told:
                    yield from self._tell_shown(item, self._decision(item))
        if left:
            messages = "1 message was" if left == 1 else f"{left} messages were"
            yield self._changes.notice(f"{messages} still held, and went nowhere")
        if self._out.refused:
            count = self._out.refused
            messages = "1 message" if count == 1 else f"{count} messages"
            yield self._changes.notice(
                f"{messages} came behind an end that was made here, and went nowhere"
            )

    # Many messages

    @property
    def _hides(self) -> bool:
        """Whether what is told of messages that come now is decided with them."""
        edits = self._edits
        return edits is not None and edits.rules is not None and edits.rules.hides

    def _lets_pass(self, peer: Peer, frames: bytes, first: int, count: int) -> bool:
        """Whether nobody has anything to say about these whole text frames."""
        edits = self._edits
        if self._asks_owner or peer in self._pending or self._out.lane(peer).has_swapped:
            return False
        if edits is None:
            return True
        if edits.scripts_want_messages:
            return False
        return not self._out.has_holds and not edits.may_match(peer, frames, first, count)

    def _decide_frames(
        self, peer: Peer, event: TextFrames | InvalidText, first: int
    ) -> Iterator[Command | Decide]:
        """Decide about text frames; where something is hidden, they have not been told yet."""
        edits = self._edits
        if (
            edits is not None
            and isinstance(event, TextFrames)
            and self._is_for_scripts_alone(edits, peer, event, first)
        ):
            yield from self._burst(edits, peer, event.payloads, first)
            yield from self.go()
            return
        offset, is_told = event.offset, not self._hides
        for number, frame in enumerate(_frames(event), first):
            message = HeldMessage(peer, frame, number, offset=offset)
            message.is_told = is_told
            offset += len(frame)
            if peer in self._pending:
                self._wait(peer, message, len(frame))
                continue
            yield from self._decide(message)
            if self._asks_owner:
                # Somebody may think about the next one for long.
                yield from self._out.leave()
        yield from self.go()

    def _is_for_scripts_alone(
        self, edits: SessionEdits, peer: Peer, event: TextFrames, first: int
    ) -> bool:
        out = self._out
        if not edits.scripts_want_messages or peer in self._pending or event.count == 1:
            return False
        if self._asks_owner or self._hides or out.has_holds or out.lane(peer).has_swapped:
            return False
        return not edits.may_match(peer, event.raw, first, event.count)

    def _burst(
        self, edits: SessionEdits, peer: Peer, payloads: list[bytes], first: int
    ) -> Iterator[Command | Decide]:
        """Show many messages to the scripts at once; what they leave and edit goes on together."""
        scripts, begin = edits.scripts, 0
        while scripts is not None and begin < len(payloads):
            burst = scripts.edit_burst(peer.label, payloads, first, begin)
            if burst.contents:
                frames_to_go = self._out.framed_all(peer.other, burst.contents)
                self._out.put(peer, frames_to_go, len(burst.contents))
            if self._session.options.messages and burst.is_changed:
                for number, edit in burst.edits():
                    yield edits.edit_told(peer, number, edit)
            begin += len(burst.contents)
            if burst.stopped is None:
                yield from edits.tell_faults()
                return
            message = HeldMessage(peer, frame_texts([payloads[begin]]), first + begin)
            begin += 1
            edits.script_has(message, burst.stopped)
            if burst.waiting is None:
                yield from self._conclude(message, None)
                continue
            for number, payload in enumerate(payloads[begin:], first + begin):
                frame = frame_texts([payload])
                self._wait(peer, HeldMessage(peer, frame, number), len(frame))
            yield self._await(message, None, burst.waiting)
            return

    def _await(
        self, message: HeldMessage, decision: MessageDecision | None, waiting: Waiting
    ) -> Command:
        ticket = self._session.ticket()
        self._pending[message.peer] = _Pending(ticket, message, decision)
        return Await(waiting, ticket)

    # One message

    def _decide(self, message: HeldMessage) -> Iterator[Command | Decide]:
        edits, decision = self._edits, self._decision(message)
        if edits is not None and not message.injected:
            if not message.is_told:
                yield from self._tell_shown(message, decision)
            if self._out.has_holds:
                self._out.open_holds(message, edits.age)
        if decision is not None:
            yield from self._tell_changes(message, decision)
            message.content, message.copies = decision.content, decision.copies
            message.dropped = not decision.copies
            message.paused_by = decision.paused_by
            message.is_hidden = decision.shown is not None
        is_shown = not (message.injected or message.dropped or message.binary or self._is_hurried)
        if edits is not None and is_shown:
            awaitable = edits.script_message(message)
            if awaitable is not None:
                yield self._await(message, decision, awaitable)
                return
        yield from self._conclude(message, decision)

    def _decision(self, message: HeldMessage) -> MessageDecision | None:
        """What the rules make of a message that a peer has said."""
        if self._edits is None or message.injected or message.binary:
            return None
        return self._edits.decide(message.peer, message.original, message.number)

    def _conclude(
        self, message: HeldMessage, decision: MessageDecision | None
    ) -> Iterator[Command | Decide]:
        """All but the owner have decided."""
        edits = self._edits
        if edits is not None:
            yield from edits.script_message_done(message)
            # What a script asks for is done before the message that it was shown.
            yield from edits.do_deeds(self._out)
        before, was_dropped = message.payload, message.dropped
        if self._asks_owner:
            if decision is not None and decision.paused_by is not None:
                rule, decision.paused_by = decision.paused_by, None
                # The owner has the message wait, and it does not wait here once more.
                yield self._changes.told(
                    "rule", rule, "pause", peer=message.peer, number=message.number
                )
            yield Decide(message)
            if was_dropped and not message.dropped:
                message.copies = 1
        data = b"" if message.dropped else message.frame
        if data and message.content != message.original:
            try:
                data = self._framed(message)
            except LocalProtocolError as error:
                message.content = message.original
                yield from self._changes.not_framable(f"{message.label} goes on unchanged: {error}")
        if self._asks_owner:
            yield from self._tell_person(message, before, was_dropped=was_dropped)
        yield from self._out.put_message(message, data * message.copies, decision)

    def _framed(self, message: HeldMessage) -> bytes:
        if message.binary:
            # It is made into another frame yet, and may hold any byte.
            return frame_texts([message.payload])
        return self._out.framed(message.peer.other, message.content)

    def _tell_person(
        self, message: HeldMessage, before: bytes, *, was_dropped: bool
    ) -> Iterator[Command]:
        """Tell what the owner, or a person through it, has decided."""
        if not self._session.options.messages:
            return
        peer, number, after = message.peer, message.number, message.payload
        if message.dropped and not was_dropped:
            yield self._changes.told("person", "", "drop", peer=peer, number=number)
        elif message.dropped:
            return
        elif message.injected:
            yield self._changes.told("person", "", "inject", peer=peer, after=after)
        elif after != before:
            yield self._changes.edited("person", "", message, before, after)

    def _tell_changes(self, message: HeldMessage, decision: MessageDecision) -> Iterator[Command]:
        if not self._session.options.messages:
            return
        for rule, deed, before, after, detail in decision.changes:
            if deed in ("pause", "inject"):
                # Told when it begins to wait, with the name to ask for, or when it is put in.
                continue
            yield self._changes.told(
                "rule",
                rule,
                deed,
                peer=message.peer,
                number=message.number,
                before=before,
                after=after,
                detail=detail,
            )

    def _tell_shown(
        self, message: HeldMessage, decision: MessageDecision | None
    ) -> Iterator[Command]:
        session = self._session
        if not session.options.messages:
            return
        shown = None if decision is None else decision.shown
        content = message.original if shown is None else shown
        try:
            text, payload = content.decode(), None
        except UnicodeDecodeError:
            text = content.decode(errors="replace")
            payload = base64.b64encode(content).decode()
        record = MessageRecord(
            session=session.number,
            time=session.now(),
            direction=message.peer.label,
            number=message.number,
            offset=message.offset,
            size=len(message.original),
            text=text,
            payload=payload,
            redacted=shown is not None,
        )
        yield Tell(record)

    # What waits

    def _take(self, peer: Peer, whole: _Whole) -> Iterator[Command]:
        if peer in self._pending:
            self._wait(peer, whole, len(whole.data))
        else:
            self._put(peer, whole)
        yield from self.go()

    def _put(self, peer: Peer, whole: _Whole) -> None:
        if whole.closes:
            self._out.put_closing(peer, whole.data)
        else:
            self._out.put(peer, whole.data, whole.texts, whole.make)

    def _wait(self, peer: Peer, item: HeldMessage | _Whole, size: int) -> None:
        self._waiting[peer].append(item)
        self._undecided[peer] += size


def _frames(event: TextFrames | InvalidText) -> list[bytes]:
    """The frames one by one: what ends one stands in none."""
    if event.count == 1:
        return [event.raw]
    return [payload + b"\xff" for payload in event.raw[:-1].split(b"\xff")]
