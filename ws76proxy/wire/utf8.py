"""Whether bytes are UTF-8, without making a string of them."""

from __future__ import annotations

from codecs import utf_8_decode

__all__ = ["is_utf8"]

_PIECE = 16_384
"""What is decoded at once: it stays in the cache, and so does the memory that it takes. A megabyte
in one piece takes twice as long, half of it to get its memory."""


def is_utf8(text: bytes | memoryview) -> bool:
    """Whether this is UTF-8, as RFC 3629 has it."""
    if isinstance(text, bytes) and text.isascii():
        return True
    size, position = len(text), 0
    view = memoryview(text)
    try:
        while position < size:
            end = position + _PIECE
            # Unless it is the last one, a piece may end within a character.
            position += utf_8_decode(view[position:end], "strict", end >= size)[1]
    except UnicodeDecodeError:
        return False
    return True
