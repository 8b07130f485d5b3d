"""Bytes and texts from the wire made fit to be read: printable, unambiguous, bounded."""

from __future__ import annotations

__all__ = ["neutral", "quoted", "visible"]

_SHORT = {0x0D: "\\r", 0x0A: "\\n", 0x09: "\\t", 0x5C: "\\\\"}
_VISIBLE = [
    _SHORT.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")
    for byte in range(256)
]
_SPACE = "\N{OPEN BOX}"
_CONTROLS = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
# Not printable to Python, yet without power over a terminal: joiners and wide or fixed spaces.
_HARMLESS = frozenset("\u200c\u200d\u3000")


def visible(data: bytes, *, limit: int = 120, show_spaces: bool = False) -> str:
    """The bytes as printable text: what is not printable ASCII is escaped as in Python.

    Longer data is cut at `limit` bytes, and the whole size told. With `show_spaces`, spaces become
    U+2423 where one could be overlooked: at an edge, or next to another.
    """
    cut = data[:limit]
    text = "".join([_VISIBLE[byte] for byte in cut])
    if show_spaces and (cut[:1] == b" " or cut[-1:] == b" " or b"  " in cut):
        text = text.replace(" ", _SPACE)
    return text if len(data) <= limit else f"{text}... ({len(data)} bytes)"


def quoted(value: bytes) -> str:
    """A value from the wire for a sentence, in quotes, cut at 120 bytes."""
    text = value[:120].decode("latin-1")
    # Nearly every value is plain, and this runs in each handshake.
    if not (text.isascii() and text.isprintable()) or "\\" in text:
        text = visible(value[:120])
    return f'"{text}"' if len(value) <= 120 else f'"{text}"... ({len(value)} bytes)'


def neutral(text: str) -> str:
    """The text with everything escaped that could command a terminal or reorder its line.

    Those are control characters (escape sequences begin with one), bidirectional controls and what
    else has no glyph. Line ends are escaped too.
    """
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(character: str) -> str:
    if character.isprintable() or character in _HARMLESS:
        return character
    code = ord(character)
    if code < 0x100:
        return _CONTROLS.get(character) or f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
