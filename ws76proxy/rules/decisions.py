"""What rules have decided, as values: the session carries them out and tells about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ws76proxy.wire.head import RequestHead, ResponseHead

__all__ = [
    "Change",
    "Closing",
    "HeadChange",
    "Hold",
    "Injection",
    "MadeAnswer",
    "MessageDecision",
    "RequestDecision",
    "ResponseDecision",
    "Side",
    "Split",
    "Stall",
]

Side = Literal["client", "server"]


class Change(NamedTuple):
    """One thing done to a message. `before` and `after` are payloads, where the payload changed."""

    rule: str
    deed: str
    before: bytes | None = None
    after: bytes | None = None
    detail: str = ""


class HeadChange(NamedTuple):
    """One thing done to a head; None: the field was, or is, absent. `what` names field or line."""

    rule: str
    what: str
    before: bytes | None
    after: bytes | None


class Injection(NamedTuple):
    """Something to say to a side. `is_raw`: bytes for the wire as they are, not a text message."""

    rule: str
    to: Side
    content: bytes
    is_raw: bool
    place: Literal["before", "after"]


class Closing(NamedTuple):
    """An end to make: FF 00, FIN or RST, to one side or both."""

    rule: str
    how: Literal["closing-handshake", "fin", "reset"]
    to: Literal["client", "server", "both"]


class Hold(NamedTuple):
    """Keep the message until another one comes for which `until` is true, or so many seconds.

    `until` gets who said it, its payload, its number and the seconds since the session opened.
    """

    rule: str
    until: Callable[[Side, bytes, int, float], bool]
    at_most: float


class Stall(NamedTuple):
    """Stop reading from a side, for so many seconds; None: for good."""

    rule: str
    side: Side
    seconds: float | None


class Split(NamedTuple):
    """Cut a head, with what belongs to it, at these offsets; wait so many seconds between."""

    rule: str
    at: tuple[int, ...]
    pause: float


class MadeAnswer(NamedTuple):
    """A whole HTTP answer to the client in place of the server's."""

    rule: str
    data: bytes
    status: int


@dataclass(slots=True)
class MessageDecision:
    """What is to become of a message. `content` is its payload now; `changes` in the order made.

    `copies` 0: it is dropped. `delay` in seconds. `swaps`: it goes behind the next message.
    `throttle`: bytes a second for this direction from now on, 0 for no limit, None as before.
    `shown`: what records show instead of the payload that came. `paused_by`: the rule that asks a
    person.
    """

    content: bytes
    changes: list[Change] = field(default_factory=list)
    copies: int = 1
    delay: float = 0.0
    swaps: bool = False
    hold: Hold | None = None
    injections: list[Injection] = field(default_factory=list)
    closing: Closing | None = None
    stall: Stall | None = None
    throttle: float | None = None
    shown: bytes | None = None
    paused_by: str | None = None

    @property
    def marks(self) -> list[str]:
        """What rules have marked the message with, in order."""
        return _marks(self.changes)


@dataclass(slots=True)
class RequestDecision:
    """What is to become of a request. `key3_bytes`: only so many of key3 go on; None: all.

    `notes` are the names of the rules that acted without changing the head, with what they did.
    """

    head: RequestHead
    changes: list[HeadChange] = field(default_factory=list)
    notes: list[Change] = field(default_factory=list)
    answer: MadeAnswer | None = None
    key3_bytes: int | None = None
    delay: float = 0.0
    split: Split | None = None
    closing: Closing | None = None

    @property
    def marks(self) -> list[str]:
        """What rules have marked the request with, in order."""
        return _marks(self.notes)


@dataclass(slots=True)
class ResponseDecision:
    """What is to become of an answer.

    `bug`: the code of the wrong way to answer the challenge; `bug_by`: the rule that wants it.
    """

    head: ResponseHead
    changes: list[HeadChange] = field(default_factory=list)
    notes: list[Change] = field(default_factory=list)
    bug: str | None = None
    bug_by: str = ""
    delay: float = 0.0
    split: Split | None = None
    closing: Closing | None = None

    @property
    def marks(self) -> list[str]:
        """What rules have marked the answer with, in order."""
        return _marks(self.notes)


def _marks(changes: list[Change]) -> list[str]:
    return [change.detail for change in changes if change.deed == "mark"]
