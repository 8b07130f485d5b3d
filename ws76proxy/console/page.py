"""The grid that everything is set on: a session's number, a label, a text that wraps."""

from __future__ import annotations

from collections.abc import Sequence

from ws76proxy.console.ink import Ink, Row, Span
from ws76proxy.console.text import cells, cut, wrap

__all__ = ["INDENT", "LABEL", "Page", "session_span", "time_span"]

INDENT = 5
LABEL = 11


def session_span(session: int) -> Span:
    """``#3`` in the first column; blank where no session is concerned."""
    return (f"session{session % 5}", f"#{session:<3} ") if session else ("", " " * INDENT)


def time_span(time: float) -> Span:
    """Seconds since the session's start, in the second column."""
    return ("dim", f"{time:8.3f}  ")


class Page:
    """Rows under construction, for one width."""

    def __init__(self, ink: Ink, width: int, margin: Sequence[Span]) -> None:
        """`margin` stands before the first row; the others are indented by as much."""
        self.ink = ink
        self.width = max(width, 40)
        self.rows: list[Row] = []
        self._margin: Row = list(margin)
        self._indent = sum(cells(text) for _, text in margin)

    @property
    def room(self) -> int:
        """Columns for text beside a label."""
        return self.width - self._indent - LABEL

    def row(self, *spans: Span) -> None:
        """One row as it is."""
        self.rows.append([*self._margin, *spans])
        self._margin = [("", " " * self._indent)]

    def labelled(self, label: str, *spans: Span, style: str = "label") -> None:
        """One row with a label before it."""
        self.row((style, f"{label:<{LABEL}}"), *spans)

    def text(self, label: str, text: str, style: str = "", label_style: str = "label") -> None:
        """A text that wraps beside its label."""
        for line in wrap(text, self.room):
            self.labelled(label, (style, line), style=label_style)
            label = ""

    def cut(self, text: str, room: int) -> str:
        """A text made neutral and shortened."""
        return cut(text, room, self.ink.ellipsis)

    def listed(self, label: str, items: Sequence[str], label_style: str = "label") -> None:
        """Items separated by commas, wrapped."""
        self.text(label, ", ".join(items), label_style=label_style)

    def blank(self) -> None:
        """An empty row."""
        self.rows.append([])

    def painted(self) -> str:
        """All rows, each ended."""
        return "".join([f"{self.ink.paint(row)}\n" for row in self.rows])
