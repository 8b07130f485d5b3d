"""When the next connection may be opened: never more than so many in a second."""

from __future__ import annotations

__all__ = ["Pace"]


class Pace:
    """Keeps starts apart: between two of them are at least 1 / `rate` seconds.

    Counted from when the last start really was, not from when it was due: who comes late must not
    be followed too soon.
    """

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._last: float | None = None

    def ahead(self, now: float) -> float:
        """How many seconds the next start is away; 0 when it may be now."""
        return 0.0 if self._last is None else max(self._last + self._interval - now, 0.0)

    def start(self, now: float) -> None:
        """It happens now."""
        self._last = now
