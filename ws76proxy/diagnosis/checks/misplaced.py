"""A digest that is right and stands in the wrong place, or frames where it should be (5.2)."""

from __future__ import annotations

from typing import NamedTuple

from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.diagnosis.explaining import LEAST_PROOF
from ws76proxy.wire.challenge import DIGEST_SIZE

__all__ = ["Misplaced", "misplaced_digest"]

_FARTHEST = 4096
_LEAST_TEXT = 4


class Misplaced(NamedTuple):
    """What stands where the digest should be: the finding's code, its detail, and the bytes."""

    code: str
    detail: str
    instead: bytes


def misplaced_digest(answer: bytes | None, received: bytes) -> Misplaced | None:
    """What stands in front of a right digest, or instead of one; None where that is not known.

    `received` is everything behind the head, as far as it has come; `answer` the right digest,
    None where there is none.
    """
    place = -1 if answer is None else _find(answer, received[:_FARTHEST])
    before = received[:_FARTHEST] if place < 0 else received[:place]
    frames = before[: _end_of_frames(before)]
    if place > 0:
        where = f"the right digest begins {place} byte{'s' if place > 1 else ''} later, behind"
        if frames == before:
            return Misplaced("frames-before-digest", f"{where} {quoted(before)}", before)
        return Misplaced("bytes-before-digest", f"{where} {before[:40].hex(' ')}", before)
    if _is_message(frames or before):
        detail = f"no digest is to be seen behind {quoted(frames or before)}"
        return Misplaced("frames-before-digest", detail, frames or before)
    return None


def _find(answer: bytes, received: bytes) -> int:
    """Where the digest begins, if only its first bytes have come; -1 for nowhere."""
    place = received.find(answer[:LEAST_PROOF])
    while place >= 0:
        if answer.startswith(received[place : place + DIGEST_SIZE]):
            return place
        place = received.find(answer[:LEAST_PROOF], place + 1)
    return -1


def _end_of_frames(data: bytes) -> int:
    """How many bytes at the beginning are whole text frames, one behind the other."""
    end = 0
    while data[end : end + 1] == b"\x00" and (found := data.find(b"\xff", end)) >= 0:
        end = found + 1
    return end


def _is_message(data: bytes) -> bool:
    """Whether this is the beginning of a text frame, and by no chance a wrong digest."""
    text, end, _ = data[1:].partition(b"\xff")
    if data[:1] != b"\x00" or not (end or len(text) >= DIGEST_SIZE - 1):
        return False
    try:
        # A frame that goes on may be cut within a character.
        shown = text.decode() if end else text[:-3].decode()
    except UnicodeDecodeError:
        return False
    return len(text) >= _LEAST_TEXT and shown.isprintable()
