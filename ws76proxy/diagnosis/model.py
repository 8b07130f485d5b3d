"""What a diagnosis is made of: a catalogue entry, and the evidence that this entry applies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Diagnosis", "Finding", "Outcome", "Reaction", "Severity", "Side", "Stream"]


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


class Outcome(StrEnum):
    """What a client does about what a server sends it."""

    ACCEPTS = "accepts"
    """Goes on as if nothing were the matter."""
    REFUSES = "refuses"
    """Closes before the page's socket has opened."""
    WAITS = "waits"
    """Neither goes on nor closes, until the server closes."""
    SKIPS = "skips"
    """Throws a frame away, and tells the page by an error event; the session goes on."""
    REPLACES = "replaces"
    """Puts U+FFFD in place of what is no text."""
    EMPTIES = "empties"
    """Hands the page an empty message in place of the text."""
    ENDS = "ends"
    """Ends an open session."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """What QtWebKit and the draft's client do about a finding, and in which step of the draft.

    `console` is what WebKit prints, with names of values in braces; empty where it prints nothing.
    `note` is a sentence. What happens may depend on more than the finding: then `otherwise` has the
    other reactions, each with its condition in `when`.
    """

    webkit: Outcome
    draft: Outcome
    section: str
    console: str = ""
    note: str = ""
    when: str = ""
    otherwise: tuple[Reaction, ...] = ()


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
    cause: str = ""
    """What the code at fault does, where that is known."""
    carriers: str = ""
    """Programs that are known to do it."""
    reaction: Reaction | None = None
    """What browsers do; None where they cannot be shown it."""


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
