"""Text of peers made fit for a terminal: neutral, measured in cells, cut and wrapped."""

from __future__ import annotations

from rich.cells import cell_len, chop_cells, set_cell_size

from ws76proxy.diagnosis.escaping import neutral

__all__ = ["cells", "cut", "escape_head", "neutral", "wrap"]

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
_HEAD_ESCAPES = {
    code: _SHORT.get(chr(code)) or f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0x100))
}


def escape_head(text: str) -> str:
    """Latin-1 text of a head as its bytes: all that is not printable ASCII as ``\\xNN``."""
    if text.isascii() and text.isprintable():
        return text
    return neutral(text.translate(_HEAD_ESCAPES))


def cells(text: str) -> int:
    """How many columns a neutral text takes."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, room: int, ellipsis: str) -> str:
    """The text, made neutral and shortened to so many columns.

    Only as much of it is looked at as could be shown.
    """
    piece = text[: room + 1]
    shown = neutral(piece)
    if len(piece) == len(text) and cells(shown) <= room:
        return shown
    room = max(room - len(ellipsis), 0)
    if cells(shown) > room:
        shown = shown[:room] if shown.isascii() else set_cell_size(shown, room).rstrip(" ")
    return shown + ellipsis


def wrap(text: str, room: int) -> list[str]:
    """The text, made neutral, in lines of at most so many columns; at least one line."""
    room = max(room, 16)
    lines: list[str] = []
    line: str | None = None
    for word in neutral(text).split(" "):
        longer = word if line is None else f"{line} {word}"
        if cells(longer) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = chop_cells(word, room) or [""]
        lines += whole
    return [*lines, line or ""]
