"""What treating bytes as text does to them; it happens to key3, to the challenge, to the digest."""

from __future__ import annotations

__all__ = ["as_utf8", "only_ascii", "question_marks", "replaced", "until_nul"]


def as_utf8(data: bytes) -> bytes:
    """One character for each byte (Latin-1, a "binary string"), encoded as UTF-8."""
    return data.decode("latin-1").encode()


def replaced(data: bytes) -> bytes:
    """Decoded as UTF-8 with U+FFFD for what is not, and encoded again."""
    return data.decode("utf-8", "replace").encode()


def question_marks(data: bytes) -> bytes:
    """One character for each byte, encoded as ASCII with ``?`` for what is not."""
    return data.decode("latin-1").encode("ascii", "replace")


def only_ascii(data: bytes) -> bytes:
    """Without the bytes from 0x80 on."""
    return data.decode("ascii", "ignore").encode()


def until_nul(data: bytes) -> bytes:
    """What a C string holds of the bytes."""
    return data.partition(b"\0")[0]
