"""What a script wants done, as values in a bounded queue; the session carries them out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from ws76proxy.errors import Ws76Error
from ws76proxy.wire.frames import encode_text

__all__ = [
    "Closing",
    "Deed",
    "Deeds",
    "End",
    "How",
    "Injection",
    "Mark",
    "ScriptLimits",
    "SessionOver",
    "Side",
    "TooManyDeeds",
    "framable",
    "must_be_one_of",
]

Side = Literal["client", "server"]
How = Literal["closing-handshake", "fin", "reset"]
End = Literal["client", "server", "both"]


class Injection(NamedTuple):
    """Something to say to a side. `is_raw`: bytes for the wire as they are, not a text message."""

    script: str
    to: Side
    content: bytes
    is_raw: bool
    place: Literal["before", "after"] = "before"


class Closing(NamedTuple):
    """An end to make: FF 00, FIN or RST, to one side or both."""

    script: str
    how: How
    to: End


class Mark(NamedTuple):
    """A remark for the record of the session."""

    script: str
    text: str


Deed = Injection | Closing | Mark


class TooManyDeeds(Ws76Error):  # noqa: N818 - what happened, in a script's own words
    """A script asks for more than may wait to be carried out in one session."""


class SessionOver(Ws76Error):  # noqa: N818 - what happened, in a script's own words
    """A script asks for something in a session that has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptLimits:
    """How much of a script's doing may wait: deeds and their bytes a session; seconds that an
    asynchronous function may take (0: as long as it likes)."""

    deeds: int = 10_000
    size: int = 64 * 1024 * 1024
    seconds: float = 30.0


class Deeds:
    """The deeds of all scripts in one session that nobody has carried out yet, in order.

    `wake` is called when there is something to take and no function of a script is being called:
    a task that a script started did it. It is called once until `take` is, perhaps from another
    thread.
    """

    __slots__ = ("_limits", "_size", "_wake", "_woken", "is_calling", "is_over", "pending")

    def __init__(
        self, limits: ScriptLimits | None = None, wake: Callable[[], None] | None = None
    ) -> None:
        self.pending: Final[list[Deed]] = []
        self.is_calling = False
        """A function of a script runs: who called it looks at `pending` afterwards."""
        self.is_over = False
        """The session has ended."""
        self._limits = limits or ScriptLimits()
        self._size = 0
        self._wake = wake
        self._woken = False

    def add(self, deed: Deed, size: int) -> None:
        """One more, of so many bytes. Raises TooManyDeeds or SessionOver."""
        if self.is_over:
            raise SessionOver("this session has ended: nothing can be done in it any more")
        if len(self.pending) >= self._limits.deeds:
            raise TooManyDeeds(
                f"{len(self.pending):,} deeds of scripts wait in this session already"
            )
        if self._size + size > self._limits.size:
            raise TooManyDeeds(
                f"{self._size:,} bytes of scripts wait in this session: with these {size:,}"
                f" they would be more than {self._limits.size:,}"
            )
        self.pending.append(deed)
        self._size += size
        self.call_owner()

    def end(self, script: str) -> None:
        """A script's fault ends the session: that is always possible."""
        if not self.is_over:
            self.pending.append(Closing(script, "closing-handshake", "both"))
            self.call_owner()

    def call_owner(self) -> None:
        """Wake the owner where something waits and nobody would look for it otherwise."""
        if self.pending and not self.is_calling and not self._woken and self._wake is not None:
            self._woken = True
            self._wake()

    def take(self) -> list[Deed]:
        """What is to be done, in order; from now on it is the owner's."""
        self._woken = False
        self._size = 0
        taken = self.pending.copy()
        del self.pending[: len(taken)]
        return taken


def framable(content: str | bytes | bytearray | memoryview) -> bytes:
    """The payload of a text frame: text as UTF-8, or the bytes given.

    Raises LocalProtocolError for the byte 0xFF or a lone surrogate, TypeError for anything else.
    """
    if isinstance(content, bytearray | memoryview):
        content = bytes(content)
    if not isinstance(content, str | bytes):
        raise TypeError(f"expected text or bytes, found {type(content).__name__}")
    return encode_text(content)[1:-1]


def must_be_one_of(what: str, value: object, *expected: str) -> None:
    """Raises ValueError where a value is none of those."""
    if value not in expected:
        raise ValueError(f"{what}: expected {' or '.join(map(repr, expected))}, found {value!r}")
