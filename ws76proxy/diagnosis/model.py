"""What a diagnosis is made of: a catalogue entry, and the evidence that this entry applies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Diagnosis", "Finding", "Severity", "Side", "Stream"]


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """The draft says MUST, or the peer will refuse."""
    WARNING = "warning"
    """The draft says SHOULD, or it is a risk."""
    INFO = "info"
    """Worth knowing; nothing is wrong."""
    GOOD = "good"
    """A check that passed."""


class Side(StrEnum):
    """Who has to mend it."""

    CLIENT = "client"
    SERVER = "server"
    BETWEEN = "between"
    """Something on the way: a proxy, a TLS terminator, an HTTP library."""
    SENDER = "sender"
    """Whoever sent the stream in question: in the catalogue only, a diagnosis names the peer."""


class Stream(StrEnum):
    """Which direction's bytes an offset counts in, from that connection's first byte."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Finding:
    """A catalogue entry: everything that is true of each case. `code` is permanent."""

    code: str
    title: str
    severity: Severity
    side: Side
    consequence: str
    """What happens because of it, in the browser or the server."""
    fix: str
    """What to change, and where."""
    section: str
    """The section of draft-hixie-thewebsocketprotocol-76, or another document, named."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A finding seen in these bytes.

    `detail` is one sentence about this case (expected, found). `evidence` are the bytes themselves,
    at `offset` of `stream`; all three are empty where the evidence is something that did not come.
    """

    finding: Finding
    detail: str
    stream: Stream | None = None
    offset: int | None = None
    evidence: bytes = b""
