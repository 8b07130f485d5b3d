"""How one side's end is told to the other: FF 00, close codes, or nothing but the end.

The table of it is on the page about the bridge (docs/bridge.md), made by asking here.

An end without FF 00 or Close is told without it too, so that neither side takes a broken session
for a wanted end. Code 1006 stands for that, and may not be sent.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from ws76proxy.diagnosis import Diagnosis, Stream, found
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.wire.dialect import Dialect

__all__ = ["Ended", "Farewell", "farewell"]

_NORMAL, _GOING_AWAY, _UNEXPECTED = 1000, 1001, 1011


class Ended(msgspec.Struct, frozen=True):
    """How one side has ended.

    `closed`: by its closing handshake, in RFC 6455 with `code` and `reason`. `end-of-stream`: it
    sends no more, and stood between two frames. `lost`: reset, or the end came inside of a frame.
    `fault`: it broke its protocol, or said what could not be passed on; `code` and `reason` are
    what a side of RFC 6455 is told of that itself. `relay`: neither side, but we.
    """

    by: Literal["client", "server", "relay"]
    dialect: Dialect
    how: Literal["closed", "end-of-stream", "lost", "fault", "relay"]
    code: int | None = None
    reason: str = ""
    offset: int | None = None


class Farewell(msgspec.Struct, frozen=True):
    """What a side is told before its connection ends.

    `handshake`: whether there is a closing handshake, Close or FF 00; of RFC 6455 with `code` and
    `reason`, where None is a Close without a code.
    """

    handshake: bool
    code: int | None = None
    reason: str = ""
    diagnosis: Diagnosis | None = None


def farewell(ended: Ended, to: Dialect, *, itself: bool = False) -> Farewell:
    """What a side that speaks `to` is told; `itself`: it is the side that has ended."""
    code, reason, says_so = _code(ended, itself=itself)
    if to is Dialect.RFC_6455:
        if not says_so:
            return Farewell(handshake=False)
        return Farewell(True, code, reason)
    is_wanted = ended.how in ("closed", "relay") or (
        ended.how == "end-of-stream" and ended.dialect is Dialect.HIXIE_75
    )
    handshake = to is Dialect.HIXIE_76 and (is_wanted or (itself and ended.how == "fault"))
    told = code not in (None, _NORMAL) or reason
    if not (ended.how == "closed" and ended.dialect is Dialect.RFC_6455 and told) or itself:
        return Farewell(handshake)
    detail = f"code {code}" + (f", {quoted(reason.encode())}" if reason else "")
    stream = Stream.CLIENT if ended.by == "client" else Stream.SERVER
    return Farewell(
        handshake,
        diagnosis=found("bridge-close-reduced", detail, stream=stream, offset=ended.offset),
    )


def _code(ended: Ended, *, itself: bool) -> tuple[int | None, str, bool]:
    """Code and reason for a side of RFC 6455, and whether it gets a Close at all."""
    if ended.how == "relay":
        return _GOING_AWAY, ended.reason, True
    if ended.how == "closed":
        if ended.dialect is Dialect.RFC_6455:
            return ended.code, ended.reason, True
        return _NORMAL, "", True
    if itself:
        # Who has left is told nothing; who is at fault, what it did.
        return ended.code, ended.reason, ended.how == "fault"
    if ended.how == "end-of-stream":
        if ended.dialect is Dialect.RFC_6455:
            return None, "", False
        return (_NORMAL if ended.dialect is Dialect.HIXIE_75 else _GOING_AWAY), "", True
    return (_UNEXPECTED if ended.by == "server" else _GOING_AWAY), "", True
