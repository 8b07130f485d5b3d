"""What peers have sent of an opening handshake and no record holds yet."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ws76proxy.session.commands import Peer

__all__ = ["Stretch", "Untold"]


class Stretch(NamedTuple):
    """Some bytes of a peer's stream. `of`: whether they are the beginning of a head."""

    peer: Peer
    offset: int
    data: bytes
    of: Literal["head", "rest"]


class Untold:
    """Keeps the bytes of a handshake until a record has told them.

    It holds no more than the handshake itself does: a head within its limit, and what one read
    brought behind it.
    """

    def __init__(self) -> None:
        self._bytes = {peer: bytearray() for peer in Peer}
        self._begin = dict.fromkeys(Peer, 0)
        self._head_told = dict.fromkeys(Peer, False)

    def received(self, peer: Peer, offset: int, data: bytes) -> None:
        """Bytes have come, the first of them at `offset`."""
        kept = self._bytes[peer]
        if not kept:
            self._begin[peer] = offset
        kept += data

    def told(self, peer: Peer, end: int, *, head: bool = True) -> None:
        """A record tells everything before the offset `end`, a head with it."""
        surplus = end - self._begin[peer]
        if surplus > 0:
            del self._bytes[peer][:surplus]
            self._begin[peer] = end
        self._head_told[peer] = head

    def has(self, peer: Peer) -> bool:
        """Whether bytes of this peer wait to be told."""
        return bool(self._bytes[peer])

    def take(self) -> list[Stretch]:
        """All that is left, and no record will tell."""
        left = [
            Stretch(peer, self._begin[peer], bytes(kept), self._of(peer))
            for peer, kept in self._bytes.items()
            if kept
        ]
        self.clear()
        return left

    def clear(self) -> None:
        """Other records tell the rest."""
        for kept in self._bytes.values():
            kept.clear()

    def _of(self, peer: Peer) -> Literal["head", "rest"]:
        return "rest" if self._head_told[peer] else "head"
