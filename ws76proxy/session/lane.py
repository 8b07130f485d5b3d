"""What is on its way to one peer: an ordered queue in which things wait, are held or trickle."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from math import inf

from ws76proxy.rules.decisions import Hold
from ws76proxy.session.commands import Command, Peer, Send
from ws76proxy.session.message import HeldMessage, Make

__all__ = ["Entry", "Lane", "Make"]

_PIECES_A_SECOND = 20
"""How often something leaves of what is throttled."""


class Entry:
    """Some bytes in the queue, and what is to be done once they have left.

    `due` is when they may leave, in seconds since the session began. With a `hold`, or where
    somebody is `asked`, `due` is when that ends at the latest, and `delay` what is still to be
    waited from then on. `message`: the text message that the bytes are; None for anything else.
    `count`: how many text messages they are. `alone`: in a write of its own. `make`, where there is
    one, turns the bytes into those that the peer gets, when their turn has come: what those are may
    depend on all that has left before.
    """

    __slots__ = (
        "alone",
        "asked",
        "count",
        "data",
        "delay",
        "due",
        "hold",
        "is_made",
        "make",
        "message",
        "number",
        "then",
    )

    def __init__(
        self,
        data: bytes,
        due: float = 0.0,
        *,
        message: HeldMessage | None = None,
        count: int = 0,
        hold: Hold | None = None,
        delay: float = 0.0,
        alone: bool = False,
        then: Callable[[], Iterator[Command]] | None = None,
        make: Make | None = None,
    ) -> None:
        self.data = data
        self.due = due
        self.message = message
        self.count = count if message is None else 1
        self.hold = hold
        self.asked: str | None = None
        self.delay = delay
        self.alone = alone
        self.then = then
        self.make = make
        self.is_made = False
        """Whether the bytes are what the peer gets of those that were put in."""
        self.number = 0
        """Of one that somebody is asked about: its name within the session."""

    @property
    def is_gated(self) -> bool:
        """Whether it waits for something else than time."""
        return self.hold is not None or self.asked is not None

    @property
    def left(self) -> int:
        """How many of its text messages have not left as a whole; of what has been made into
        frames with lengths, all of which the last has not."""
        if self.is_made:
            return self.count
        # What has left in part may be fewer; what a person has dropped is none.
        return min(self.count, self.data.count(0xFF))

    def open_gate(self, now: float) -> None:
        """It waits for time alone from here on."""
        self.hold = self.asked = None
        self.due = now + self.delay


class Lane:
    """The queue towards one peer: in order, one behind the other.

    What may not leave yet holds back everything behind it, as in a stream it must. `rate` is in
    bytes a second, 0 for no limit. `is_closed`: nothing more is taken, because the end has been
    put in. `refused` counts the text messages that came behind it, `gone` those that were here when
    the connection was no more.
    """

    def __init__(self, to: Peer) -> None:
        self.to = to
        self.rate = 0.0
        self.is_closed = False
        self.size = 0
        self.refused = 0
        self.gone = 0
        self._entries: deque[Entry] = deque()
        self._swapped: list[Entry] = []
        self._free_at = 0.0
        self.is_cut = False
        """Whether part of an entry has left."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is on its way."""
        return not self._entries and not self._swapped

    @property
    def has_swapped(self) -> bool:
        """Whether a message waits for the next one to go before it."""
        return bool(self._swapped)

    @property
    def has_holds(self) -> bool:
        """Whether a message waits for another one."""
        return any(entry.hold is not None for entry in (*self._entries, *self._swapped))

    @property
    def gated(self) -> list[Entry]:
        """The entries that wait for something else than time."""
        return [entry for entry in (*self._entries, *self._swapped) if entry.is_gated]

    @property
    def count(self) -> int:
        """How many text messages wait."""
        waiting = (*self._entries, *self._swapped)
        return sum(entry.left for entry in waiting)

    def put(self, entry: Entry, *, swaps: bool = False) -> None:
        """Take something in. With `swaps` it goes behind the next text message."""
        if self.is_closed:
            self.refused += entry.count
            return
        self.size += len(entry.data)
        if swaps:
            self._swapped.append(entry)
            return
        self._entries.append(entry)
        if self._swapped and entry.count:
            self.end_swaps()

    def interject(self, data: bytes) -> Iterator[Command]:
        """Something that waits for nothing but the end of an entry of which a part has left."""
        if not self.is_cut:
            yield Send(self.to, data)
            return
        self.size += len(data)
        self._entries.insert(1, Entry(data))

    def end_swaps(self) -> None:
        """What waits for the next message goes on without it."""
        self._entries.extend(self._swapped)
        self._swapped.clear()

    def close(self, entry: Entry) -> None:
        """Take the end in: nothing comes behind it, but another way to end."""
        self.end_swaps()
        self.is_closed = False
        self.put(entry)
        self.is_closed = True

    def clear(self) -> None:
        """Nobody is there any more to get it."""
        self.gone += self.count
        self._entries.clear()
        self._swapped.clear()
        self.size = 0

    def due(self) -> float:
        """When the next thing can leave, in session time; infinity: nothing waits for time."""
        if not self._entries:
            return inf
        due = self._entries[0].due
        return max(due, self._free_at) if self.rate else due

    def leave(self, now: float) -> Iterator[Command]:
        """What may leave by now, neighbours in one write."""
        entries, ready = self._entries, list[bytes]()
        while entries and not self._must_wait(entries[0], now):
            entry = entries[0]
            if entry.make is not None:
                make, entry.make, entry.is_made = entry.make, None, True
                self.replace(entry, make(entry.data))
            data = entry.data
            if entry.alone:
                yield from self._written(ready)
            if self.rate and data:
                data = self._piece_of(entry, now)
            self.size -= len(data)
            if data:
                ready.append(data)
            if len(data) < len(entry.data):
                entry.data = entry.data[len(data) :]
                self.is_cut = True
                continue
            self.is_cut = False
            entries.popleft()
            if entry.alone or entry.then is not None:
                yield from self._written(ready)
            if entry.then is not None:
                yield from entry.then()
        yield from self._written(ready)

    def flush(self) -> Iterator[Command]:
        """Everything leaves now, whatever it waits for."""
        self.end_swaps()
        self.rate = 0.0
        for entry in self._entries:
            entry.due, entry.hold, entry.asked = 0.0, None, None
        yield from self.leave(0.0)

    def replace(self, entry: Entry, data: bytes) -> None:
        """Other bytes take an entry's place in the queue."""
        self.size += len(data) - len(entry.data)
        entry.data = data

    def _must_wait(self, entry: Entry, now: float) -> bool:
        if entry.is_gated or entry.due > now:
            return True
        return bool(self.rate) and bool(entry.data) and self._free_at > now

    def _piece_of(self, entry: Entry, now: float) -> bytes:
        size = max(1, int(self.rate / _PIECES_A_SECOND))
        piece = entry.data[:size]
        self._free_at = max(now, self._free_at) + len(piece) / self.rate
        return piece

    def _written(self, ready: list[bytes]) -> Iterator[Command]:
        if ready:
            data = ready[0] if len(ready) == 1 else b"".join(ready)
            ready.clear()
            yield Send(self.to, data)
