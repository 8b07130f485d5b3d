"""What peers send before there is a conversation: so that a recording holds every byte of it."""

from __future__ import annotations

from collections.abc import Iterator

from ws76proxy.session import Command, Peer, Session
from ws76proxy.session.telling import tell_bytes

__all__ = ["Arrivals"]

_MOST_UNTOLD = 64 * 1024


class Arrivals:
    """Counts what has come, and keeps what no record has told.

    While a handshake is on its way that is little: a head, and what came behind it. `is_unread`
    says that the rest will never be a conversation: it is told as it comes.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sizes = dict.fromkeys(Peer, 0)
        self._waiting = 0
        self.is_unread = False

    def add(self, peer: Peer, data: bytes) -> Iterator[Command]:
        """A peer has sent this."""
        untold = self._session.untold
        if untold is None:
            return
        offset = self._sizes[peer]
        self._sizes[peer] += len(data)
        self._waiting += len(data)
        untold.received(peer, offset, data)
        if self.is_unread and self._waiting > _MOST_UNTOLD:
            self._waiting = 0
            for peer, offset, data, of in untold.take():
                yield from tell_bytes(self._session, peer, offset, data, of)

    def told(self, peer: Peer, end: int) -> None:
        """A record has told what stands before this offset of a peer's stream."""
        if self._session.untold is not None:
            self._session.untold.told(peer, end)

    def converse(self) -> None:
        """From here on a conversation counts what comes, and tells it."""
        if self._session.untold is not None:
            self._session.untold.clear()

    def finish(self) -> None:
        """There will be no conversation: sum up."""
        for peer, size in self._sizes.items():
            traffic = self._session.traffic[peer]
            traffic.bytes = max(traffic.bytes, size)
