"""What the catalogue says that QtWebKit does with an answer, to be compared with what it did."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import takewhile

from ws76proxy.diagnosis import Outcome, Reaction
from ws76proxy.diagnosis.browsers import AFTER_OPENING, OPENING, REACTIONS
from ws76proxy.wire import (
    AbsurdLength,
    DiscardedFrame,
    FrameDecoder,
    InvalidText,
    ResponseHead,
    TextFrames,
)

from .staging import Live

_PLACEHOLDER = re.compile(r"\\\{(\w+)\\\}")


def refusal(codes: Collection[str]) -> tuple[str, Reaction] | None:
    """Where QtWebKit stops, given these findings about an answer: the finding's code, and how."""
    stops = (
        (code, reaction)
        for code, reaction in OPENING.items()
        if code in codes and reaction.webkit is not Outcome.ACCEPTS
    )
    return next(stops, None)


def seen(codes: Collection[str]) -> set[str]:
    """The findings whose reactions show: those at which QtWebKit does not stop, up to the one at
    which it does, and others of the same effect."""
    stop = refusal(codes)
    if stop is None:
        return codes & REACTIONS.keys()
    passed = takewhile(lambda code: code != stop[0], OPENING)
    return {code for code in passed if code in codes} | {
        code for code in codes if OPENING.get(code) == stop[1]
    }


def outcomes_after_opening(codes: Collection[str]) -> set[Outcome]:
    """All that QtWebKit does about frames, given these findings."""
    return {reaction.webkit for code, reaction in AFTER_OPENING.items() if code in codes}


def matches(console: str, template: str, values: Mapping[str, str]) -> bool:
    """Whether a console text is of this form, with these values; others may be anything."""
    pattern = _PLACEHOLDER.sub(
        lambda found: re.escape(values[found[1]]) if found[1] in values else ".*",
        re.escape(template),
    )
    return re.fullmatch(pattern, console, re.DOTALL) is not None


def values(live: Live, answered: bytes) -> dict[str, str]:
    """What console texts name, of a live request and the bytes that answered it."""
    head = ResponseHead(answered)
    first_line = answered.partition(b"\n")[0].removesuffix(b"\r")
    without_colon = [field.name for field in head.fields if not field.has_colon]
    found = {
        "line": (without_colon or [first_line])[0],
        "value": next((field.value for field in head.fields if field.line_end == b"\n"), b""),
        "status": head.start_line.split(b" ")[1] if b" " in head.start_line else b"",
        "origin": live.origin,
        "answered_origin": head.value(b"sec-websocket-origin"),
        "location": b"ws://" + live.host + live.request.target,
        "answered_location": head.value(b"sec-websocket-location"),
        "protocol": live.request.value(b"sec-websocket-protocol"),
        "answered_protocol": head.value(b"sec-websocket-protocol"),
    }
    return {name: (value or b"").decode("latin-1") for name, value in found.items()}


@dataclass(frozen=True)
class Read:
    """What a page sees of the frames that its socket was sent, if QtWebKit reads them."""

    texts: list[str]
    errors: int
    emptied: bool
    """Whether a text is missing from its message."""


def read(frames: bytes) -> Read:
    """Frames as QtWebKit reads them: a text that is not UTF-8 is empty, ``FF 00`` is a frame that
    is thrown away, and whatever is thrown away gives an error event."""
    texts: list[str] = []
    errors, emptied = 0, False
    decoder = FrameDecoder(closing_handshake=False)
    for event in decoder.feed(frames):
        if isinstance(event, TextFrames):
            texts += event.texts
        elif isinstance(event, InvalidText):
            texts.append("")
            emptied = True
        elif isinstance(event, DiscardedFrame | AbsurdLength):
            errors += 1
    return Read(texts, errors, emptied)
