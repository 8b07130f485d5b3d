"""The phase for what is not taken apart: bytes of both peers pass through as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ws76proxy.session.commands import Command, Peer, Send
from ws76proxy.session.phase import Outcome, Phase, Unread

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Tunnel"]


class Tunnel(Phase):
    """Passes bytes on and looks at none.

    The first `skip` bytes of the client are not for this server: it has got others in their place.
    """

    unread = Unread.NOTHING_READ

    def __init__(self, session: Session, outcome: Outcome = "passed-on", skip: int = 0) -> None:
        super().__init__(session)
        session.outcome = outcome
        self._skip = skip

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        if peer is Peer.SERVER:
            yield Send(Peer.CLIENT, data)
            return
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        if skipped < len(data):
            yield from self.session.to_server(data[skipped:])
