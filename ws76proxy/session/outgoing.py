"""What has been decided, carried out: messages wait, go on, and others or an end follow them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from ws76proxy.errors import LocalProtocolError
from ws76proxy.rules.decisions import Closing, Injection, MessageDecision, Stall
from ws76proxy.session.changes import By, Changes
from ws76proxy.session.commands import Command, PauseReading, Peer, ResumeReading
from ws76proxy.session.edits import DEFAULT_MAX_HELD, DEFAULT_PAUSE, ClosingHow
from ws76proxy.session.lane import Entry, Lane, Make
from ws76proxy.session.message import HeldMessage

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["HeldView", "Outgoing"]

_FULL, _STALLED = "so much waits already", "a rule wants it"


class HeldView(NamedTuple):
    """A message that waits for a person: its name within the session, who said it, its number
    there, what it says now, the rule that holds it, and until when at most (session time)."""

    number: int
    peer: Peer
    message: int
    content: bytes
    rule: str
    until: float


class Outgoing:
    """The queues towards both peers.

    `frame` writes a text message for a peer, `frames` many of them; `closing` is what begins the
    closing handshake with it, empty where that has been begun or cannot be, and `may_insert` says
    whether its stream stands between two frames.
    What is put in leaves with the next `leave`. `makes`: what turns all of that, raw bytes aside,
    into what that peer gets, where that is something else.
    """

    def __init__(
        self,
        session: Session,
        lanes: dict[Peer, Lane],
        changes: Changes,
        *,
        frame: Callable[[Peer, bytes | str], bytes],
        frames: Callable[[Peer, Sequence[bytes]], bytes],
        closing: Callable[[Peer], bytes],
        may_insert: Callable[[Peer], bool],
        makes: Mapping[Peer, Make] | None = None,
    ) -> None:
        self._session = session
        self._lanes = lanes
        self._changes = changes
        self._frame = frame
        self._frames = frames
        self._closing = closing
        self._may_insert = may_insert
        self._makes: Mapping[Peer, Make] = makes or {}
        editing = None if session.edits is None else session.edits.editing
        self._max_held = DEFAULT_MAX_HELD if editing is None else editing.max_held
        self._pause = DEFAULT_PAUSE if editing is None else editing.pause
        self._asks = editing is not None and editing.asks
        self._not_read: dict[Peer, set[str]] = {peer: set() for peer in Peer}
        self._stalled_until: dict[Peer, float] = {}
        self._asked = 0
        self._in_vain: set[str] = set()

    def lane(self, peer: Peer) -> Lane:
        """The queue for what this peer says."""
        return self._lanes[peer.other]

    def is_holding(self, peer: Peer) -> bool:
        """Whether something that this peer said has not left."""
        return not self.lane(peer).is_empty

    @property
    def has_holds(self) -> bool:
        """Whether a message waits for another one."""
        return any(lane.has_holds for lane in self._lanes.values())

    def framed(self, to: Peer, content: bytes | str) -> bytes:
        """A text message as this peer gets it. Raises LocalProtocolError where that cannot be."""
        return self._frame(to, content)

    def framed_all(self, to: Peer, contents: Sequence[bytes]) -> bytes:
        """Many text messages as this peer gets them."""
        return self._frames(to, contents)

    # What is put in

    def put(self, peer: Peer, data: bytes, count: int = 0, make: Make | None = None) -> None:
        """Bytes of a peer, as they came; `count`: how many text messages they are. `make` as for
        `Entry`, where it is not the usual one."""
        make = make or self._makes.get(peer.other)
        self.lane(peer).put(Entry(data, count=count, make=make))

    def put_closing(self, peer: Peer, data: bytes) -> None:
        """Its closing handshake: it says no more, so nothing waits for its next message."""
        lane = self.lane(peer)
        lane.end_swaps()
        lane.put(Entry(data, make=self._makes.get(peer.other)))

    def put_message(
        self, message: HeldMessage, data: bytes, decision: MessageDecision | None
    ) -> Iterator[Command]:
        """A message, framed for its receiver, and all that was decided beside it."""
        lane, swaps = self.lane(message.peer), False
        make = message.make or self._makes.get(lane.to)
        if decision is None:
            if data:
                lane.put(Entry(data, message=message, make=make))
            return
        if decision.throttle is not None:
            lane.rate = decision.throttle
        for injection in decision.injections:
            if injection.place == "before":
                yield from self.inject(injection, "rule")
        if data:
            hold, delay = decision.hold, decision.delay
            entry = Entry(data, message=message, hold=hold, delay=delay, make=make)
            yield from self._gate(entry, decision)
            # The message behind one that is swapped is not swapped with yet another one.
            swaps = decision.swaps and not lane.has_swapped
            lane.put(entry, swaps=swaps)
        for injection in decision.injections:
            if injection.place == "after":
                follows = swaps and injection.to == lane.to.label
                yield from self.inject(injection, "rule", swaps=follows)
        if decision.stall is not None:
            yield from self._stall(decision.stall)
        if decision.closing is not None:
            yield from self.close(decision.closing, "rule")

    def _gate(self, entry: Entry, decision: MessageDecision) -> Iterator[Command]:
        now = self._session.age()
        entry.due = now + decision.delay
        if decision.hold is not None:
            entry.due = now + decision.hold.at_most
        rule = decision.paused_by
        if rule is None:
            return
        if not self._asks:
            if rule not in self._in_vain:
                self._in_vain.add(rule)
                yield self._changes.notice(
                    f"rule {rule!r} pauses messages, and there is nobody to ask: they go on;"
                    " expected --interactive or --control"
                )
            return
        self._asked += 1
        entry.asked, entry.number = rule, self._asked
        entry.due = now + self._pause
        message = entry.message
        if message is not None:
            yield self._changes.told(
                "rule",
                rule,
                "pause",
                peer=message.peer,
                number=message.number,
                detail=f"waits as {self._session.number}.{entry.number}",
            )

    def inject(self, injection: Injection, by: By, *, swaps: bool = False) -> Iterator[Command]:
        """Something that nobody said; with `swaps` it stays behind a message that is swapped."""
        to = Peer(injection.to)
        name, content = injection.rule, injection.content
        lane = self._lanes[to]
        if lane.is_closed or not self._session.hears(to) or not self._may_insert(to):
            yield self._changes.notice(
                f"{by} {name!r}: not injected: the stream to the {to.label} has no place for it"
            )
            return
        data, make = content, None
        if not injection.is_raw:
            make = self._makes.get(to)
            try:
                data = self._frame(to, content)
            except LocalProtocolError as error:
                yield from self._changes.not_framable(f"{by} {name!r}: not injected: {error}")
                return
        lane.put(Entry(data, make=make), swaps=swaps)
        yield self._changes.told(
            by,
            name,
            "inject",
            peer=to.other,
            after=content,
            detail="raw bytes" if injection.is_raw else "",
        )

    def close(self, closing: Closing, by: By) -> Iterator[Command]:
        """An end, behind all that is on its way; a script's reset behind what may leave by now."""
        peers = tuple(Peer) if closing.to == "both" else (Peer(closing.to),)
        session = self._session
        for to in peers:
            lane, detail = self._lanes[to], f"{by} {closing.rule!r}, to the {to.label}"
            if closing.how == "reset":
                if by == "rule":
                    lane.close(Entry(b"", then=self._resetting(to, detail)))
                else:
                    yield from lane.leave(session.age())
                    yield from self._resetting(to, detail)()
                continue
            if lane.is_closed or not session.hears(to):
                continue
            data = self._closing(to) if closing.how == "closing-handshake" else b""
            if data and not self._may_insert(to):
                data = b""
            how: ClosingHow = "closing-handshake" if data else "end-of-stream"
            if data:
                lane.close(Entry(data, make=self._makes.get(to)))
            else:
                lane.close(Entry(b"", then=lambda to=to: session.finish(to)))  # type: ignore[misc]
            yield from session.tell_closing("relay", how, detail)

    def _resetting(self, to: Peer, detail: str) -> Callable[[], Iterator[Command]]:
        def reset() -> Iterator[Command]:
            session = self._session
            if not session.is_reset(to):
                self.lost(to)
                yield from session.reset(to)
                yield from session.tell_closing("relay", "reset", detail)

        return reset

    def say_closing(self, to: Peer) -> None:
        """Begin the closing handshake with a peer, where it can be begun."""
        data = self._closing(to)
        if data and self._session.hears(to) and self._may_insert(to):
            self._lanes[to].close(Entry(data, make=self._makes.get(to)))

    def _stall(self, stall: Stall) -> Iterator[Command]:
        peer = Peer(stall.side)
        until = inf if stall.seconds is None else self._session.age() + stall.seconds
        self._stalled_until[peer] = until
        yield from self._stop_reading(peer, _STALLED)

    # What leaves

    @property
    def due(self) -> float:
        """When something can leave, or somebody be read again, in session time."""
        lanes = (lane.due() for lane in self._lanes.values())
        return min(*lanes, *self._stalled_until.values(), inf)

    def expire(self) -> Iterator[Command]:
        """What has waited for somebody too long goes on without."""
        now = self._session.age()
        for lane in self._lanes.values():
            for entry in lane.gated:
                if entry.due > now:
                    continue
                message, rule = entry.message, entry.asked
                if rule is None and entry.hold is not None:
                    rule = entry.hold.rule
                entry.open_gate(now)
                if message is not None:
                    yield self._changes.told(
                        "rule",
                        rule or "",
                        "release",
                        peer=message.peer,
                        number=message.number,
                        detail="it has waited as long as it may",
                    )

    def open_holds(self, message: HeldMessage, age: float) -> None:
        """Let go of what waits for a message like this one."""
        now = self._session.age()
        for lane in self._lanes.values():
            for entry in lane.gated if lane.has_holds else ():
                hold = entry.hold
                if hold is not None and hold.until(
                    message.peer.label, message.original, message.number, age
                ):
                    if entry.asked is None:
                        entry.open_gate(now)
                    else:
                        entry.hold = None

    def leave(self) -> Iterator[Command]:
        """What may leave by now leaves."""
        now = self._session.age()
        for lane in self._lanes.values():
            if not lane.is_empty:
                yield from lane.leave(now)

    def settle(self, undecided: dict[Peer, int]) -> Iterator[Command]:
        """Read from those of whom not too much waits; `undecided`: bytes that wait elsewhere."""
        now = self._session.age()
        for peer, until in tuple(self._stalled_until.items()):
            if until <= now:
                del self._stalled_until[peer]
                yield from self._read_again(peer, _STALLED)
        for peer in Peer:
            waiting = self.lane(peer).size + undecided.get(peer, 0)
            if waiting > self._max_held and self.lane(peer).has_swapped:
                # Its next message will not be read: there is nothing to wait for.
                self.lane(peer).end_swaps()
                yield from self.lane(peer).leave(now)
                waiting = self.lane(peer).size + undecided.get(peer, 0)
            if waiting > self._max_held:
                yield from self._stop_reading(peer, _FULL)
            elif waiting <= self._max_held // 2:
                yield from self._read_again(peer, _FULL)

    def flush(self, peer: Peer) -> Iterator[Command]:
        """All that this peer said leaves now."""
        yield from self.lane(peer).flush()

    def lost(self, peer: Peer) -> None:
        """A peer is gone: nothing can be said to it any more."""
        lane = self._lanes[peer]
        lane.clear()
        lane.is_closed = True

    @property
    def left(self) -> int:
        """How many messages were held and have not left."""
        return sum(lane.count + lane.gone for lane in self._lanes.values())

    @property
    def refused(self) -> int:
        """How many messages came behind an end that was made."""
        return sum(lane.refused for lane in self._lanes.values())

    # What a person says

    @property
    def held(self) -> list[HeldView]:
        """The messages that wait for a person, the oldest first."""
        return sorted(
            HeldView(
                entry.number,
                entry.message.peer,
                entry.message.number,
                entry.message.payload,
                entry.asked,
                entry.due,
            )
            for lane in self._lanes.values()
            for entry in lane.gated
            if entry.asked is not None and entry.message is not None
        )

    def answer(self, number: int, content: bytes | None, *, drop: bool) -> Iterator[Command] | None:
        """A person has decided about the message of that name: it goes on as it is, with another
        content, or not at all. None: there is no such message.

        Raises LocalProtocolError, and leaves it waiting, where the content cannot be framed.
        """
        for lane in self._lanes.values():
            for entry in lane.gated:
                message = entry.message
                if entry.number == number and message is not None and entry.asked is not None:
                    data = entry.data
                    if drop:
                        content, data = None, b""
                    elif content is not None:
                        data = self._frame(lane.to, content) * message.copies
                    return self._answered(lane, entry, message, content, data)
        return None

    def _answered(
        self, lane: Lane, entry: Entry, message: HeldMessage, content: bytes | None, data: bytes
    ) -> Iterator[Command]:
        before = message.payload
        lane.replace(entry, data)
        if not data:
            entry.make = None
        entry.open_gate(self._session.age())
        if content is not None:
            message.content = content
            if content != before:
                yield self._changes.edited("person", "", message, before, content)
                return
        deed = "release" if data else "drop"
        yield self._changes.told("person", "", deed, peer=message.peer, number=message.number)

    # Who is read

    def _stop_reading(self, peer: Peer, why: str) -> Iterator[Command]:
        reasons = self._not_read[peer]
        if not reasons:
            yield PauseReading(peer)
        reasons.add(why)

    def _read_again(self, peer: Peer, why: str) -> Iterator[Command]:
        reasons = self._not_read[peer]
        if why in reasons:
            reasons.discard(why)
            if not reasons:
                yield ResumeReading(peer)
