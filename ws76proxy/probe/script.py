"""What is done on one connection, as data: send these segments, wait for that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ws76proxy.probe.opening import Opening

__all__ = ["Finish", "Listen", "Script", "Send", "Step", "Until", "Wait"]

_SLACK = 128 * 1024


class Until(Enum):
    """What is waited for; the end of the connection, a limit or the time ends every wait too."""

    ANSWERED = "an answer to the opening handshake"
    SETTLED = "an open connection, or the end of it"
    ECHOED = "the echo of a message"
    CLOSING = "FF 00"
    ENDED = "the end of the connection"


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes, each segment in a packet of its own; `pause` is between two of them, in seconds."""

    segments: tuple[bytes, ...]
    pause: float = 0.02


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for something that the server does; `text` is the message whose echo is awaited."""

    until: Until
    text: bytes = b""


@dataclass(frozen=True, slots=True)
class Listen:
    """Hear what comes for so many seconds: for what must not come."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """End our direction of the TCP connection, and go on reading."""


Step = Send | Wait | Listen | Finish


@dataclass(frozen=True, slots=True)
class Script:
    """One connection: `steps` up to the answer, and `talk` if that opened the connection."""

    opening: Opening
    steps: tuple[Step, ...]
    talk: tuple[Step, ...] = ()

    @property
    def sent(self) -> bytes:
        """Everything that is sent when nothing goes wrong."""
        steps = [*self.steps, *self.talk]
        segments = [step.segments for step in steps if isinstance(step, Send)]
        return b"".join([segment for one in segments for segment in one])

    @property
    def limit(self) -> int:
        """How many bytes of answers are read: several times what an echo can be."""
        return _SLACK + 4 * len(self.sent)
