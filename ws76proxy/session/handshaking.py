"""What all phases of an opening handshake do alike: they hold back, and judge the request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ws76proxy.diagnosis import check_request, found
from ws76proxy.session.commands import Command, PauseReading, Peer, ResumeReading
from ws76proxy.session.phase import Phase, Unread
from ws76proxy.wire.connection import Reading, ServerConnection
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import RequestHead

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Handshaking"]


class Handshaking(Phase):
    """From the client's whole head on: `head`, in `dialect`, which came at `offset` of its stream.

    `since` is when it began to come, in session time.
    """

    unread = Unread.HANDSHAKE

    def __init__(
        self,
        session: Session,
        dialect: Dialect,
        head: RequestHead,
        offset: int,
        since: float | None,
    ) -> None:
        super().__init__(session)
        self.handshaking_since = since
        self._dialect = dialect
        self._came = head
        self._came_at = offset
        self._paused: set[Peer] = set()
        session.dialect = dialect
        # Until it is open: the end may come at any moment.
        session.outcome = "failed"

    @property
    def at_rest(self) -> bool:
        return False

    def _check_request(self) -> Iterator[Command]:
        options = self.session.options
        yield from self.session.tell_findings(
            check_request(
                self._came,
                self._dialect,
                base=self._came_at,
                good=options.good_findings,
                listener=options.listener,
            )
        )

    def _hold_early(self, early: bytes) -> Iterator[Command]:
        """`early` is what the client has said behind its request by now."""
        if early and Peer.CLIENT not in self._paused:
            yield from self._pause(Peer.CLIENT)
            finding = found(
                "early-client-frames",
                f"{len(early)} bytes behind the request before the answer was complete",
                stream=Peer.CLIENT.stream,
                offset=self.session.traffic[Peer.CLIENT].bytes - len(early),
                evidence=early[:64],
            )
            yield from self.session.tell_findings([finding])

    def _answer_late(
        self, client: ServerConnection, key3: bytes, seconds: float
    ) -> Iterator[Command]:
        """Answer a client in the server's place, when the handshake has had its time."""
        session = self.session
        if client.reading is Reading.TAIL:
            text = f"8 bytes must follow the head; {len(key3)} came in {seconds:g} s.\n"
            yield from session.answer(408, "Request Timeout", text)
        else:
            text = f"{session.options.upstream} did not answer within {seconds:g} s.\n"
            yield from session.answer(504, "Gateway Timeout", text)

    def _pause(self, peer: Peer) -> Iterator[Command]:
        if peer not in self._paused:
            self._paused.add(peer)
            yield PauseReading(peer)

    def _resume(self) -> Iterator[Command]:
        if not self.session.ended:
            for peer in self._paused:
                yield ResumeReading(peer)
        self._paused.clear()
