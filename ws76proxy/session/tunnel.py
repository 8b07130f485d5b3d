"""The phase for what is not taken apart: bytes of both peers pass through as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ws76proxy.session.commands import Command, Peer, Send
from ws76proxy.session.phase import Outcome, Phase

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Tunnel"]


class Tunnel(Phase):
    """Passes bytes on and looks at none."""

    def __init__(self, session: Session, outcome: Outcome = "passed-on") -> None:
        super().__init__(session)
        session.outcome = outcome

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        if peer is Peer.CLIENT:
            yield from self.session.to_server(data)
        else:
            yield Send(Peer.CLIENT, data)
