"""The head of the answer that counts, behind any number of interim ones (1xx)."""

from __future__ import annotations

from ws76proxy.wire.head import HeadLimits, HeadReader, ResponseHead

__all__ = ["FinalHead"]


class FinalHead:
    """Reads a server's bytes up to the end of its final answer's head; a 101 is final.

    `head` is that head, once it has come; `behind` is how many of the bytes that brought it stand
    behind it. Of a head above the limits nothing is read further.
    """

    def __init__(self, limits: HeadLimits) -> None:
        self._limits = limits
        self._reader = HeadReader(ResponseHead, limits)
        self._refused = False
        self.head: ResponseHead | None = None
        self.behind = 0

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; whether the final head is whole now, and was not before."""
        while data and self.head is None and not self._refused:
            head = self._reader.feed(data)
            if head is None:
                self._refused = self._reader.refusal is not None
                return False
            data = self._reader.excess
            if head.status is not None and 100 <= head.status < 200 and head.status != 101:
                self._reader = HeadReader(ResponseHead, self._limits)
                continue
            self.head, self.behind = head, len(data)
            return True
        return False
