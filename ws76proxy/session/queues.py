"""The queues of an opening handshake that rules or scripts have a say in: delayed, cut, ended."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from ws76proxy.rules.decisions import Closing, Split
from ws76proxy.session.changes import Changes
from ws76proxy.session.commands import Command, Peer, Send
from ws76proxy.session.lane import Entry, Lane
from ws76proxy.session.outgoing import Outgoing

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Queues"]


class Queues:
    """What of a handshake is on its way to either peer.

    What is to be cut at offsets is kept until it is whole; a connection to the server that is not
    there yet is asked for by the first bytes.
    """

    def __init__(self, session: Session, changes: Changes) -> None:
        self._session = session
        self._changes = changes
        self.lanes = {peer: Lane(peer) for peer in Peer}
        self.outgoing = Outgoing(
            session,
            self.lanes,
            changes,
            # Before the conversation there is no place for anything but the handshake.
            frame=lambda _peer, content: content.encode() if isinstance(content, str) else content,
            frames=lambda _peer, contents: b"".join(contents),
            closing=lambda _peer: b"",
            may_insert=lambda _peer: False,
        )
        self._seconds = dict.fromkeys(Peer, 0.0)
        self._splits: dict[Peer, Split] = {}
        self._gathered = dict.fromkeys(Peer, b"")

    def delay(self, to: Peer, seconds: float, split: Split | None) -> None:
        """What is said to this peer from now on leaves so much later, and cut."""
        self._seconds[to] = seconds
        if split is not None:
            self._splits[to] = split

    def say(self, to: Peer, data: bytes, *, whole: bool) -> Iterator[Command]:
        """Some bytes of the handshake; `whole`: they are the last ones."""
        data = self._gathered[to] + data
        split = self._splits.get(to)
        if split is not None and not whole:
            self._gathered[to] = data
            return
        self._gathered[to] = b""
        due = self._session.age() + self._seconds[to] if self._seconds[to] else 0.0
        lane = self.lanes[to]
        if split is None:
            if data:
                lane.put(Entry(data, due))
        else:
            del self._splits[to]
            due = due or self._session.age()
            edges = [0, *(at for at in split.at if 0 < at < len(data)), len(data)]
            for number, (begin, end) in enumerate(pairwise(edges)):
                if begin < end:
                    lane.put(Entry(data[begin:end], due + number * split.pause, alone=True))
        yield from self.leave()

    def close(self, closing: Closing) -> Iterator[Command]:
        """A rule wants an end."""
        yield from self.outgoing.close(closing, "rule")

    def is_holding(self, peer: Peer) -> bool:
        """Whether something that this peer said has not left."""
        return bool(self._gathered[peer.other]) or not self.lanes[peer.other].is_empty

    @property
    def due(self) -> float:
        """When something can leave, in session time."""
        return min(lane.due() for lane in self.lanes.values())

    def leave(self) -> Iterator[Command]:
        """What may leave by now leaves."""
        now = self._session.age()
        for lane in self.lanes.values():
            yield from self._through(lane.leave(now))

    def flush(self) -> Iterator[Command]:
        """Everything leaves now, whatever it waits for."""
        for to, lane in self.lanes.items():
            if self._gathered[to]:
                lane.put(Entry(self._gathered[to]))
                self._gathered[to] = b""
            yield from self._through(lane.flush())

    def end(self, to: Peer) -> Iterator[Command]:
        """No more of the handshake comes: what is not whole leaves as far as it has come."""
        yield from self.say(to, b"", whole=True)

    def settle(self) -> Iterator[Command]:
        """Read from those of whom not too much waits."""
        yield from self.outgoing.settle({})

    def ending(self) -> Iterator[Command]:
        """Say what never left."""
        for to, lane in self.lanes.items():
            left = lane.size + len(self._gathered[to])
            if left:
                yield self._changes.notice(
                    f"{left} bytes to the {to.label} were still held, and went nowhere"
                )

    def lost(self, peer: Peer) -> None:
        """A peer is gone: nothing can be said to it any more."""
        self._gathered[peer] = b""
        self.outgoing.lost(peer)

    def _through(self, commands: Iterator[Command]) -> Iterator[Command]:
        for command in commands:
            if isinstance(command, Send) and command.peer is Peer.SERVER:
                yield from self._session.to_server(command.data)
            else:
                yield command
