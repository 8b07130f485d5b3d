"""One captured TCP connection: from its segments to the records of its session, if it is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count

from ws76proxy.endpoint import Endpoint
from ws76proxy.record import AnyRecord
from ws76proxy.recording.capture.packets import ACK, FIN, RST, SYN, Segment, addresses
from ws76proxy.recording.capture.protocols import Passed, begins_request, protocol_of
from ws76proxy.recording.capture.reassembly import Stream
from ws76proxy.recording.capture.watched import Watched
from ws76proxy.session import Peer

__all__ = ["CaptureLimits", "Connection", "Tally"]

_SECOND = 10**9
# So long after an acknowledgement the bytes that it is for are expected still.
_PATIENCE = _SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureLimits:
    """How much is held at once while a capture is read.

    `connections` are followed, and given up `idle` seconds (of the capture) after their last
    packet. `out_of_order` bytes of each wait for what came before them, and `undecided` bytes for
    what tells its protocol.
    """

    connections: int = 10_000
    idle: float = 4 * 3600.0
    out_of_order: int = 4 << 20
    undecided: int = 16 << 10


@dataclass(slots=True)
class Tally:
    """What is counted over all connections: which are no session, and which lack bytes."""

    limits: CaptureLimits
    passed: Counter[Passed] = field(default_factory=Counter)
    incomplete: int = 0
    numbers: Iterator[int] = field(default_factory=lambda: count(1))


class _Stage(Enum):
    SEARCHED = auto()
    """A request is looked for: the capture began later than the connection, or lost some of it."""
    UNDECIDED = auto()
    """What it speaks cannot be told yet."""
    WATCHED = auto()
    PASSED = auto()


_READ = (_Stage.UNDECIDED, _Stage.WATCHED)


class Connection:
    """One TCP connection. Direction 0 is that of `key`; times are in nanoseconds since 1970."""

    def __init__(self, key: bytes, time: int, tally: Tally) -> None:
        self.key = key
        self.last = time
        self.closed = False
        self._tally = tally
        self._began = time
        self._client = 0
        self._stage = _Stage.SEARCHED
        self._streams = (Stream(), Stream())
        self._ended = [False, False]
        self._is_in_the_middle = False
        self._is_known = False
        self._watched: Watched | None = None
        # What came while it was undecided; None is the end of that peer's stream.
        self._undecided: list[tuple[int, Peer, bytes | None]] = []
        self._undecided_size = 0
        # Segments whose sender had got more of the other direction than has come here.
        self._postponed: list[tuple[int, Segment]] = []
        self._postponed_size = 0
        self._lacking_since: int | None = None

    def is_another(self, direction: int, sequence: int) -> bool:
        """Whether a SYN of this number is not the one that it began with, or a copy of that."""
        stream = self._streams[direction]
        if self._stage is _Stage.SEARCHED:
            return True
        return stream.is_open and not stream.starts_at(sequence + 1)

    def concerns(self, direction: int, segment: Segment) -> bool:
        """Whether this segment can change anything: most acknowledgements do not."""
        if segment.flags & (SYN | FIN | RST):
            return True
        if self._stage is _Stage.PASSED:
            return False
        # An acknowledgement alone matters only where something is missing.
        return bool(segment.size) or self._streams[1 - direction].lacks(segment.acknowledged)

    def receive(self, direction: int, time: int, segment: Segment) -> Iterator[AnyRecord]:
        """A segment of this connection was seen."""
        flags = segment.flags
        if self._stage is _Stage.PASSED or (
            self._stage is _Stage.SEARCHED and not self._found(direction, time, segment)
        ):
            if flags & (FIN | RST):
                self._close()
            return
        stream, other = self._streams[direction], self._streams[1 - direction]
        if flags & SYN:
            segment = segment._replace(sequence=segment.sequence + 1)
            yield from self._take(direction, stream.open(segment.sequence), time)
            if flags & ACK:
                yield from self._take(1 - direction, other.open(segment.acknowledged), time)
        is_early = bool(flags & ACK) and other.lacks(segment.acknowledged)
        if segment.size or flags & FIN:
            if is_early:
                # What its sender had got must be told before what it then said.
                self._postpone(direction, segment)
            else:
                yield from self._deliver(direction, segment, time)
                yield from self._catch_up(time)
        yield from self._wait(time, is_lacking=is_early)
        if flags & RST and not self.closed:
            yield from self._reset(direction, time)

    def give_up(self, why: str) -> Iterator[AnyRecord]:
        """Nothing that comes later will be read."""
        if self.closed:
            return
        yield from self._let_go(self.last)
        yield from self._decide(is_last=True)
        if self._watched is not None:
            yield from self._watched.break_off("info", why, self.last)
        self._close()

    # The beginning

    def _found(self, direction: int, time: int, segment: Segment) -> bool:
        """Look for the beginning; from there on both sides are read."""
        if segment.flags & SYN:
            # Without ACK it is from whoever connects.
            self._client = 1 - direction if segment.flags & ACK else direction
        elif begins_request(segment.payload):
            self._client = direction
            self._is_in_the_middle = True
            self._streams = (Stream(), Stream())
            self._streams[direction].open(segment.sequence)
            self._streams[1 - direction].open(segment.acknowledged)
            self._ended = [False, False]
            self._postponed = []
        else:
            return False
        self._began = time
        self._stage = _Stage.UNDECIDED
        return True

    def _decide(self, *, is_last: bool) -> Iterator[AnyRecord]:
        """Tell it as a session, or pass it over, as soon as what it speaks is clear."""
        if self._stage is not _Stage.UNDECIDED:
            return
        client, server = (
            b"".join(data for _, who, data in self._undecided if who is peer and data)
            for peer in Peer
        )
        speaks = protocol_of(client, server, is_last=is_last, has_ended=any(self._ended))
        if speaks is None:
            return
        undecided, self._undecided = self._undecided, []
        self._undecided_size = 0
        if isinstance(speaks, Passed):
            self._stage = _Stage.PASSED
            if client or server:
                self._tally.passed[speaks] += 1
            return
        ends = addresses(self.key)
        server_at = Endpoint(False, *ends[1 - self._client])
        number = next(self._tally.numbers)
        watched = Watched(number, self._began, ends[self._client], server_at)
        self._watched = watched
        self._stage = _Stage.WATCHED
        self._is_known = True
        yield from watched.start()
        if self._is_in_the_middle:
            yield watched.notice(
                "the capture has no beginning of this connection: offsets count from this request"
            )
        for time, peer, data in undecided:
            if data is None:
                yield from watched.end_of_stream(peer, time)
            else:
                yield from watched.receive(peer, data, time)
        self._look_for_end()

    # In order

    def _postpone(self, direction: int, segment: Segment) -> None:
        self._postponed.append((direction, segment))
        self._postponed_size += segment.size

    def _deliver(self, direction: int, segment: Segment, time: int) -> Iterator[AnyRecord]:
        stream = self._streams[direction]
        is_last = bool(segment.flags & FIN)
        ready = stream.receive(segment.sequence, segment.payload, segment.size, is_last)
        yield from self._take(direction, ready, time)
        if stream.ended and not self._ended[direction]:
            yield from self._end(direction, time)

    def _take(self, direction: int, ready: Sequence[bytes], time: int) -> Iterator[AnyRecord]:
        """Bytes of one direction have come in order."""
        for data in ready:
            if self._watched is not None:
                yield from self._watched.receive(self._peer(direction), data, time)
                self._look_for_end()
            elif self._stage is _Stage.UNDECIDED:
                self._undecided.append((time, self._peer(direction), data))
                self._undecided_size += len(data)
                is_last = self._undecided_size > self._tally.limits.undecided
                yield from self._decide(is_last=is_last)

    def _catch_up(self, time: int) -> Iterator[AnyRecord]:
        """Deliver what was postponed, as far as nothing is missing before it."""
        before = -1
        while self._postponed and before != self._position:
            before = self._position
            postponed, self._postponed = self._postponed, []
            self._postponed_size = 0
            for direction, segment in postponed:
                if self._streams[1 - direction].lacks(segment.acknowledged):
                    self._postpone(direction, segment)
                else:
                    yield from self._deliver(direction, segment, time)

    @property
    def _position(self) -> int:
        return sum(stream.position for stream in self._streams)

    # What is missing

    def _wait(self, time: int, *, is_lacking: bool) -> Iterator[AnyRecord]:
        """Wait for what is missing, but not for ever and not at any cost."""
        waiting = [one for one in (0, 1) if self._streams[one].waiting]
        if not waiting or self._stage not in _READ:
            self._lacking_since = None
            return
        held = self._postponed_size + sum(stream.held for stream in self._streams)
        since = self._lacking_since
        is_too_late = since is not None and time - since > _PATIENCE
        if is_too_late or held > self._tally.limits.out_of_order:
            # Its receiver has it, or it would have been sent again: it was not captured.
            self._lacking_since = None
            yield from self._skip(waiting[0], time)
        elif since is None and is_lacking:
            self._lacking_since = time

    def _skip(self, direction: int, time: int) -> Iterator[AnyRecord]:
        """Stop waiting for what is missing."""
        lost, ready = self._streams[direction].skip()
        if lost:
            position = self._streams[direction].position - sum(map(len, ready)) - lost
            yield from self._lose(direction, lost, position, time)
        else:
            yield from self._take(direction, ready, time)
            yield from self._catch_up(time)

    def _lose(self, direction: int, size: int, offset: int, time: int) -> Iterator[AnyRecord]:
        """Behind a hole nothing can be decoded, until another request begins."""
        if self._undecided:
            yield from self._decide(is_last=True)
        if self._stage is _Stage.PASSED:
            return
        if self._watched is not None:
            self._tally.incomplete += 1
            text = (
                f"{size:,} bytes of the {self._peer(direction).label}, at offset {offset:,}, are"
                " not in the capture: what comes behind them is not decoded"
            )
            yield from self._watched.break_off("error", text, time)
            self._watched = None
        self._postponed = []
        self._stage = _Stage.SEARCHED

    def _let_go(self, time: int) -> Iterator[AnyRecord]:
        """What is missing will not come any more."""
        for direction in (self._client, 1 - self._client):
            while self._streams[direction].waiting and self._stage in _READ:
                yield from self._skip(direction, time)

    # The end

    def _end(self, direction: int, time: int) -> Iterator[AnyRecord]:
        """All that this direction had has come."""
        self._ended[direction] = True
        if self._watched is not None:
            yield from self._watched.end_of_stream(self._peer(direction), time)
            self._look_for_end()
        elif self._stage is _Stage.UNDECIDED:
            self._undecided.append((time, self._peer(direction), None))
            yield from self._decide(is_last=all(self._ended))
        if all(self._ended):
            self._close()

    def _reset(self, direction: int, time: int) -> Iterator[AnyRecord]:
        yield from self._let_go(time)
        self._ended[direction] = True
        yield from self._decide(is_last=True)
        if self._watched is not None:
            yield from self._watched.reset(self._peer(direction), time)
        self._close()

    def _look_for_end(self) -> None:
        if self._watched is not None and self._watched.ended:
            self._watched = None
            self._stage = _Stage.PASSED

    def _close(self) -> None:
        if self._stage is _Stage.SEARCHED and not self._is_known:
            self._tally.passed[Passed.MIDDLE] += 1
        self.closed = True
        self._stage = _Stage.PASSED
        self._watched = None
        self._undecided, self._postponed = [], []
        for stream in self._streams:
            stream.drop()

    def _peer(self, direction: int) -> Peer:
        return Peer.CLIENT if direction == self._client else Peer.SERVER
