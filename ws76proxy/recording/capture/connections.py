"""All connections of a capture: whose a segment is, and which are given up to keep memory small."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from ws76proxy.record import AnyRecord
from ws76proxy.recording.capture.connection import CaptureLimits, Connection, Tally
from ws76proxy.recording.capture.packets import SYN, Segment, reversed_key

__all__ = ["Connections"]

_SECOND = 10**9
# After this no copy of a segment comes any more, which would be taken for a new connection's.
_LINGER = 120 * _SECOND


class Connections:
    """Takes segments in the order of the capture, and gives records as soon as they can be told."""

    def __init__(self, limits: CaptureLimits) -> None:
        self.tally = Tally(limits)
        self._directions: dict[bytes, tuple[Connection, int]] = {}
        # Both in the order of the last packets.
        self._open: OrderedDict[bytes, Connection] = OrderedDict()
        self._closed: OrderedDict[bytes, Connection] = OrderedDict()

    def receive(self, time: int, segment: Segment) -> Iterable[AnyRecord]:
        """A segment was seen, at this time in nanoseconds."""
        found = self._directions.get(segment.key)
        if found is None:
            return self._begin(time, segment) if segment.size or segment.flags & SYN else ()
        connection, direction = found
        if segment.flags & SYN and connection.is_another(direction, segment.sequence):
            return self._begin(time, segment)
        if connection.closed:
            return ()
        connection.last = time
        self._open.move_to_end(connection.key)
        if connection.concerns(direction, segment):
            return self._pass_on(connection, direction, time, segment)
        return ()

    def finish(self) -> Iterator[AnyRecord]:
        """The capture is at its end."""
        for connection in self._open.values():
            yield from connection.give_up("the capture ends before this connection does")

    def _begin(self, time: int, segment: Segment) -> Iterator[AnyRecord]:
        found = self._directions.get(segment.key)
        if found is not None:
            yield from found[0].give_up("another connection begins between the same ports")
            self._forget(found[0])
        yield from self._make_room(time)
        connection = Connection(segment.key, time, self.tally)
        self._directions[segment.key] = connection, 0
        self._directions[reversed_key(segment.key)] = connection, 1
        self._open[segment.key] = connection
        yield from self._pass_on(connection, 0, time, segment)

    def _pass_on(
        self, connection: Connection, direction: int, time: int, segment: Segment
    ) -> Iterator[AnyRecord]:
        yield from connection.receive(direction, time, segment)
        if connection.closed:
            del self._open[connection.key]
            self._closed[connection.key] = connection

    def _make_room(self, time: int) -> Iterator[AnyRecord]:
        """Give up what has been idle for too long, and what is more than the limit."""
        limit, idle = self.tally.limits.connections, self.tally.limits.idle
        while self._closed:
            connection = next(iter(self._closed.values()))
            if connection.last > time - _LINGER and len(self._closed) < limit:
                break
            self._forget(connection)
        while self._open:
            connection = next(iter(self._open.values()))
            if connection.last < time - idle * _SECOND:
                why = f"nothing came for {idle:g} s: what comes later is not decoded"
            elif len(self._open) >= limit:
                why = f"{limit:,} other connections were in use since: not followed any further"
            else:
                break
            yield from connection.give_up(why)
            self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        self._open.pop(connection.key, None)
        self._closed.pop(connection.key, None)
        del self._directions[connection.key]
        # A connection of a port with itself has only one key.
        self._directions.pop(reversed_key(connection.key), None)
