"""The phase for what is not taken apart: bytes of both peers pass through as they come."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING

from ws76proxy.session.commands import Command, Peer, Send
from ws76proxy.session.phase import Outcome, Phase, Unread
from ws76proxy.session.queues import Queues

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Tunnel"]


class Tunnel(Phase):
    """Passes bytes on and looks at none.

    The first `skip` bytes of the client are not for this server: it has got others in their place.
    In `queues` something of the handshake may still be on its way.
    """

    unread = Unread.NOTHING_READ

    def __init__(
        self,
        session: Session,
        outcome: Outcome = "passed-on",
        skip: int = 0,
        queues: Queues | None = None,
    ) -> None:
        super().__init__(session)
        session.outcome = outcome
        self._skip = skip
        self._queues = queues

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        if peer is Peer.CLIENT and self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if not data:
            return
        if self._queues is not None:
            yield from self._queues.say(peer.other, data, whole=True)
            yield from self._queues.settle()
        elif peer is Peer.SERVER:
            yield Send(Peer.CLIENT, data)
        else:
            yield from self.session.to_server(data)

    @property
    def at_rest(self) -> bool:
        # Where the bytes that pass may be cut nobody knows; but what waits is on its way.
        return not any(self.is_holding(peer) for peer in Peer)

    @property
    def due(self) -> float:
        return inf if self._queues is None else self._queues.due

    def wake(self) -> Iterator[Command]:
        if self._queues is not None:
            yield from self._queues.leave()
            yield from self._queues.settle()

    def is_holding(self, peer: Peer) -> bool:
        return self._queues is not None and self._queues.is_holding(peer)

    def lost(self, peer: Peer) -> None:
        if self._queues is not None:
            self._queues.lost(peer)

    def shut_down(self) -> Iterator[Command]:
        if self._queues is not None:
            yield from self._queues.flush()

    def ending(self) -> Iterator[Command]:
        if self._queues is not None:
            yield from self._queues.ending()
