"""One text message between its coming and its going."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ws76proxy.session.commands import Peer

__all__ = ["Decide", "HeldMessage", "Make"]

Make = Callable[[bytes], bytes]
"""What turns bytes in the queue into those that a peer gets."""


class HeldMessage:
    """One text message between its coming and its going; whoever decides may change it.

    `peer` is who said it, or in whose name it is said. `content` is the payload in bytes, valid
    UTF-8 or not, and may be set anew, also to a text; with `dropped` set nothing goes on.
    `original` is the payload that came and `frame` all its bytes. `number` counts the messages of
    this peer from 1; 0 for one that is `injected`, and `offset` is where it stands in the peer's
    stream. `copies`: how often it goes on. `paused_by` names the rule that wants a person to
    decide. `is_told`: records have what came; `is_hidden`: they must not have it, nor what becomes
    of it. `make`: of a binary message, what turns its frame into what its receiver gets; only the
    connections' owner decides about it.
    """

    __slots__ = (
        "content",
        "copies",
        "dropped",
        "frame",
        "injected",
        "is_hidden",
        "is_told",
        "make",
        "number",
        "offset",
        "original",
        "paused_by",
        "peer",
    )

    def __init__(
        self, peer: Peer, frame: bytes, number: int, *, injected: bool = False, offset: int = 0
    ) -> None:
        self.peer = peer
        self.frame = frame
        self.number = number
        self.injected = injected
        self.offset = offset
        self.copies = 1
        self.original = frame[1:-1]
        self.content: bytes | str = self.original
        self.dropped = False
        self.paused_by: str | None = None
        self.is_told = True
        self.is_hidden = False
        self.make: Make | None = None

    @property
    def binary(self) -> bool:
        """Whether it is a binary message, which only RFC 6455 has."""
        return self.make is not None

    @property
    def payload(self) -> bytes:
        """The content in bytes."""
        content = self.content
        return content if isinstance(content, bytes) else content.encode(errors="replace")

    @property
    def texts(self) -> int:
        """How many text messages it is."""
        return 1

    @property
    def label(self) -> str:
        """What it is called in a notice."""
        if self.injected:
            return f"a message in the name of the {self.peer.label}"
        return f"message {self.number} of the {self.peer.label}"


class Decide(NamedTuple):
    """Decide about a message: leave it, change its content, or drop it; then go on."""

    message: HeldMessage
