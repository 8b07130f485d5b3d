"""Bytes of one peer that have come, and have not been made out or have not left."""

from __future__ import annotations

from collections import deque

__all__ = ["Unsent"]


class Unsent:
    """Bytes of one peer that have come and not left: never more than one unfinished frame."""

    __slots__ = ("_begin", "_chunks", "_passed", "is_lost", "size")

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._begin = 0
        self._passed = 0
        self.size = 0
        self.is_lost = False

    @property
    def is_passing(self) -> bool:
        """Whether part of a frame has left already, or nobody knows where frames begin."""
        return self._passed > 0 or self.is_lost

    def add(self, data: bytes) -> None:
        """Bytes have come."""
        if data:
            self._chunks.append(data)
            self.size += len(data)

    def take(self, size: int) -> bytes:
        """What is left of the frame of that size at the front; it is no longer unsent."""
        missing = size - self._passed
        self._passed = 0
        self.size -= missing
        pieces = []
        while missing:
            chunk = self._chunks[0]
            end = min(self._begin + missing, len(chunk))
            pieces.append(chunk[self._begin : end])
            missing -= end - self._begin
            self._begin = end
            if end == len(chunk):
                self._chunks.popleft()
                self._begin = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def take_all(self) -> bytes:
        """Everything, whatever it is."""
        return self.take(self.size + self._passed)

    def pass_on(self) -> bytes:
        """Everything, as the beginning of a frame that is not whole yet."""
        passed = self._passed + self.size
        data = self.take_all()
        self._passed = passed
        return data
