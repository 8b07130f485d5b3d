"""One direction of a TCP connection: segments in any order in, its bytes in order out."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

__all__ = ["SEQUENCE_MASK", "Stream"]

SEQUENCE_MASK = 0xFFFFFFFF
_HALF = 1 << 31
# Larger than any window: what is further ahead belongs to another connection.
_TOO_FAR = 1 << 30
# What a held piece costs besides its bytes.
_OVERHEAD = 100


class Stream:
    """Puts segments in order.

    `position` counts the bytes that are done with: handed out, or given up as lost. What came
    twice is handed out once, as it came first. A hole holds back what came behind it (`held`, in
    bytes of memory) until it is filled or its owner calls `skip`. A stream whose first sequence
    number is not known yet (`open`) holds back everything.
    """

    def __init__(self) -> None:
        self.position = 0
        self.held = 0
        self._next: int | None = None
        self._pieces: dict[int, bytes] = {}
        self._order: list[int] = []
        self._known = 0
        self._end: int | None = None
        # Before the stream is open: its segments as they came.
        self._early: list[tuple[int, bytes, int, bool]] = []

    @property
    def is_open(self) -> bool:
        """Whether it is known where the stream begins."""
        return self._next is not None

    @property
    def ended(self) -> bool:
        """Whether everything before a FIN is done with."""
        return self._end is not None and self.position >= self._end

    @property
    def waiting(self) -> bool:
        """Whether it is known of bytes that have not been handed out."""
        return bool(self._early) or self._known > self.position

    def starts_at(self, sequence: int) -> bool:
        """Whether the stream began, or will begin, with this sequence number."""
        return self._next is not None and (sequence + self.position) & SEQUENCE_MASK == self._next

    def lacks(self, acknowledged: int) -> bool:
        """Take notice of how far the receiver has got: whether that is further than this stream."""
        if self._next is None:
            return False
        ahead = (acknowledged - self._next) & SEQUENCE_MASK
        if not 0 < ahead < _TOO_FAR or self.ended:
            return False
        self._learn(self.position + ahead)
        return self.waiting

    def open(self, sequence: int) -> Sequence[bytes]:
        """The first byte has this sequence number; what can be handed out now."""
        if self._next is not None:
            return ()
        self._next = sequence & SEQUENCE_MASK
        early, self._early = self._early, []
        self.held = 0
        ready: list[bytes] = []
        for segment in early:
            ready += self.receive(*segment)
        return ready

    def receive(self, sequence: int, data: bytes, size: int, fin: bool = False) -> Sequence[bytes]:
        """A segment of `size` bytes, of which `data` was captured; what can be handed out now."""
        is_usual = size == len(data) and not fin and self._end is None
        if is_usual and sequence == self._next and not self._pieces:
            self.position += size
            self._next = (sequence + size) & SEQUENCE_MASK
            if self._known < self.position:
                self._known = self.position
            return (data,) if size else ()
        if self._next is None:
            self._early.append((sequence, data, size, fin))
            self.held += len(data) + _OVERHEAD
            return ()
        ahead = (sequence - self._next) & SEQUENCE_MASK
        if ahead >= _HALF:
            ahead -= 1 << 32
        if ahead > _TOO_FAR:
            return ()
        begin = self.position + ahead
        end = begin + size
        if fin and self._end is None and end >= self.position:
            # The FIN was counted where an acknowledgement of it came first.
            self._end = self._known = end
        self._learn(end)
        if data:
            self._hold(begin, data)
        return self._in_order()

    def skip(self) -> tuple[int, Sequence[bytes]]:
        """Give up waiting: how many bytes are lost, and what can be handed out behind them."""
        if self._early:
            first = self._early[0][0]
            earliest = min(self._early, key=lambda one: (one[0] - first + _HALF) & SEQUENCE_MASK)
            return 0, self.open(earliest[0])
        if not self.waiting:
            return 0, ()
        resumed = min(self._order[0] if self._order else self._known, self._known)
        lost = resumed - self.position
        self._advance(lost)
        return lost, self._in_order()

    def drop(self) -> None:
        """Nothing more will be asked of it: let go of what it holds."""
        self._early, self._pieces, self._order, self.held = [], {}, [], 0

    def _learn(self, end: int) -> None:
        """There are bytes up to this one."""
        if end > self._known and (self._end is None or end <= self._end):
            self._known = end

    def _hold(self, begin: int, data: bytes) -> None:
        if begin + len(data) <= self.position:
            return
        known = self._pieces.get(begin)
        if known is None:
            heappush(self._order, begin)
            self.held += len(data) + _OVERHEAD
        elif len(known) < len(data):
            self.held += len(data) - len(known)
        else:
            return
        self._pieces[begin] = data

    def _in_order(self) -> list[bytes]:
        ready = []
        while self._order and self._order[0] <= self.position:
            begin = heappop(self._order)
            data = self._pieces.pop(begin)
            self.held -= len(data) + _OVERHEAD
            # Nothing comes behind the end, whatever a segment says.
            fresh = data[self.position - begin : None if self._end is None else self._end - begin]
            if fresh:
                self._advance(len(fresh))
                ready.append(fresh)
        return ready

    def _advance(self, size: int) -> None:
        assert self._next is not None  # noqa: S101 - nothing is held back in order before that
        self.position += size
        self._next = (self._next + size) & SEQUENCE_MASK
