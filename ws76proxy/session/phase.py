"""What every phase of a session answers to."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from math import inf
from typing import TYPE_CHECKING, Literal

from ws76proxy.diagnosis import found
from ws76proxy.session.commands import Command, Peer

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Outcome", "Phase", "Unread"]

Outcome = Literal["open", "refused", "failed", "passed-on", "http", "nothing"]


class Unread(Enum):
    """What bytes a phase takes in that no record of its own will hold in full."""

    REQUEST = "the beginning of a request, perhaps for a WebSocket"
    HTTP = "HTTP, which is not kept, and what may come behind it"
    HANDSHAKE = "an opening handshake, until it is whole"
    NOTHING_READ = "all: they pass unread"
    FRAMES = "none, or it tells them itself"


class Phase:
    """What a session does with bytes at one time of its life; a phase names its successor."""

    unread = Unread.FRAMES
    handshaking_since: float | None = None
    """When the handshake or request head that is on its way began, in session time."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def may_answer(self) -> bool:
        """Whether the client waits for an answer of which it has not got a byte."""
        return False

    @property
    def at_rest(self) -> bool:
        """Whether nothing is on its way that an end of the session would cut: no handshake, no
        message, no answer."""
        return True

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        """Bytes from a peer."""
        raise NotImplementedError

    def receive_eof(self, peer: Peer, reset: str | None = None) -> Iterator[Command]:
        """A peer's end, or why it was reset; what was kept back of its bytes must leave now."""
        if reset is None:
            yield from self.session.tell_closing(peer.label, "end-of-stream", "")
        else:
            yield from self.session.tell_closing(peer.label, "reset", reset)

    def is_holding(self, peer: Peer) -> bool:
        """Whether something that this peer has said is still on its way to the other one."""
        return False

    def lost(self, peer: Peer) -> None:
        """The connection to a peer is gone: nothing can be sent to it any more."""

    @property
    def due(self) -> float:
        """When the phase wants to be woken, in seconds since the session began; infinity: never."""
        return inf

    @property
    def holds_until(self) -> float:
        """When the next of what is held back on purpose may leave; infinity: there is none."""
        return self.due

    def wake(self) -> Iterator[Command]:
        """That time has come."""
        return iter(())

    def awaited(self, ticket: int, error: BaseException | None) -> Iterator[Command]:
        """What was to be awaited is done, or failed."""
        return iter(())

    def timed_out(self, seconds: float) -> Iterator[Command]:
        """Nothing has come for this long."""
        yield from self.session.tell_closing("relay", "timeout", f"idle for {seconds:g} s")
        detail = f"nothing came from either side for {seconds:g} s"
        yield from self.session.tell_findings([found("idle-timeout", detail)])

    def shut_down(self) -> Iterator[Command]:
        """The relay stops."""
        return iter(())

    def ending(self) -> Iterator[Command]:
        """Both connections close: what has not been told yet must be told now."""
        return iter(())
