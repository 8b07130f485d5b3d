"""Bytes of a frame that spreads over many reads."""

from __future__ import annotations

__all__ = ["Pieces"]

_SMALL_PIECE = 4_096
_SMALL_PIECES = 65_536


class Pieces:
    """Bytes in the pieces that they came in, joined when asked for; small pieces share a buffer."""

    __slots__ = ("_pieces", "_small", "is_ascii", "size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._small = bytearray()
        self.is_ascii = True
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Take the next bytes."""
        self.size += len(piece)
        self.is_ascii = self.is_ascii and piece.isascii()
        if len(piece) < _SMALL_PIECE and len(self._small) < _SMALL_PIECES:
            self._small += piece
            return
        if self._small:
            self._pieces.append(bytes(self._small))
            self._small.clear()
        self._pieces.append(piece)

    def all(self, last: bytes = b"") -> list[bytes]:
        """The pieces, and one more."""
        return [*self._pieces, bytes(self._small), last]

    def joined(self) -> bytes:
        """All of it."""
        return b"".join(self.all())
