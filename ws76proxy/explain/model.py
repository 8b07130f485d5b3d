"""What was pasted, taken apart: who sent which bytes, as far as that can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ws76proxy.errors import UsageError
from ws76proxy.session import Peer

__all__ = ["Pasted", "PastedError", "Piece", "shown"]

_SHOWN = 32


class PastedError(UsageError):
    """What was given holds no handshake; the text says what it was taken for, and where it ends."""


class Piece(NamedTuple):
    """Bytes of one peer."""

    peer: Peer
    data: bytes


@dataclass(slots=True)
class Pasted:
    """The bytes in what somebody has pasted.

    `kind` is what it was taken for; `notes` are what a reader should know about how far that goes.
    `is_exact`: what is not here was not sent; otherwise bytes that are no text may have been lost.
    `is_ordered`: the pieces stand in the order in which they were sent; otherwise only those of
    each peer do.
    """

    kind: str
    pieces: list[Piece]
    notes: list[str] = field(default_factory=list)
    is_exact: bool = True
    is_ordered: bool = True

    def stream(self, peer: Peer) -> bytes:
        """All bytes of a peer."""
        return b"".join([piece.data for piece in self.pieces if piece.peer is peer])

    @property
    def is_half(self) -> bool:
        """Whether only one of the two has sent anything."""
        return len({piece.peer for piece in self.pieces}) < 2


def shown(data: bytes) -> str:
    """The beginning of some bytes, for a message to a person."""
    return repr(data[:_SHOWN])[1:] + ("…" if len(data) > _SHOWN else "")
