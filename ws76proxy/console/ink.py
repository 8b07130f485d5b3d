"""Colours and glyphs, chosen once for what is written to."""

from __future__ import annotations

import rich.console
from rich.color import ColorSystem
from rich.style import Style

__all__ = ["PLAIN", "Ink", "Row", "Span"]

Span = tuple[str, str]
"""A style's name and a neutral text; the empty name: as it comes."""

Row = list[Span]
"""One line of output."""

_STYLES = {
    "label": "dim",
    "dim": "dim",
    "strong": "bold",
    "good": "green",
    "error": "bold red",
    "warning": "bold yellow",
    "info": "blue",
    "client": "cyan",
    "server": "magenta",
    "relay": "yellow",
    "filling": "dim",
    "space": "yellow",
    "key1": "bold cyan",
    "key2": "bold magenta",
    "key3": "bold yellow",
    # Sessions are told apart by colour as well as by number.
    "session0": "bold blue",
    "session1": "bold cyan",
    "session2": "bold magenta",
    "session3": "bold green",
    "session4": "bold yellow",
}


def _codes(definition: str) -> tuple[str, str]:
    # The sixteen colours that every theme defines: they fit light and dark backgrounds alike.
    before, after = (
        Style.parse(definition).render("\0", color_system=ColorSystem.STANDARD).split("\0")
    )
    return before, after


_CODES = {name: _codes(definition) for name, definition in _STYLES.items()}


class Ink:
    """How a row becomes text."""

    def __init__(self, *, colour: bool, ascii_only: bool) -> None:
        self.colour = colour
        self.ascii_only = ascii_only
        self.right = "->" if ascii_only else "→"
        self.left = "<-" if ascii_only else "←"
        self.becomes = "=>" if ascii_only else "⇒"
        self.ellipsis = "..." if ascii_only else "…"
        self.divided_by = "/" if ascii_only else "÷"
        self.good = "ok" if ascii_only else "✓"
        self.bad = "!!" if ascii_only else "✗"
        self.between = ", " if ascii_only else " · "
        self.space = "_" if ascii_only else "·"

    @classmethod
    def of(cls, console: rich.console.Console) -> Ink:
        """The ink for a console: plain where it is no terminal, has no colour or wants none."""
        colour = (
            console.is_terminal
            and console.color_system is not None
            and not console.no_color
            and not console.legacy_windows
        )
        ink = cls(colour=colour, ascii_only=False)
        glyphs = "".join(value for value in vars(ink).values() if isinstance(value, str))
        try:
            glyphs.encode(console.encoding)
        except (UnicodeEncodeError, LookupError):
            return cls(colour=colour, ascii_only=True)
        return ink

    def paint(self, row: Row) -> str:
        """The row as text, coloured where that is wanted, without spaces at its end."""
        if not self.colour:
            return "".join([text for _, text in row]).rstrip(" ")
        return "".join([self._span(style, text) for style, text in row])

    def _span(self, style: str, text: str) -> str:
        if not style or not text:
            return text
        before, after = _CODES[style]
        return f"{before}{text}{after}"


PLAIN = Ink(colour=False, ascii_only=False)
