"""What a session asks of whoever owns the connections; each is done before the next is read."""

from __future__ import annotations

from collections.abc import Awaitable
from enum import Enum
from typing import Literal, NamedTuple

from ws76proxy.diagnosis.model import Stream
from ws76proxy.record import AnyRecord, Messages

__all__ = [
    "NOBODY_WAITS",
    "Await",
    "Close",
    "Command",
    "Connect",
    "PauseReading",
    "Peer",
    "Reconnect",
    "Reset",
    "ResumeReading",
    "Send",
    "SendEof",
    "Tell",
]


class Peer(Enum):
    """Which of the two connections: the one to the client, or the one to the server."""

    CLIENT = "client"
    SERVER = "server"

    # An enumeration hashes its name in Python; this one is looked up for each chunk.
    __hash__ = object.__hash__

    label: Literal["client", "server"]
    stream: Stream
    other: Peer


# Plain attributes, not properties: they are read for each chunk.
Peer.CLIENT.label, Peer.SERVER.label = "client", "server"
Peer.CLIENT.stream, Peer.SERVER.stream = Stream.CLIENT, Stream.SERVER
Peer.CLIENT.other, Peer.SERVER.other = Peer.SERVER, Peer.CLIENT


class Connect(NamedTuple):
    """Open the connection to the server; answer with `connected` or `connect_failed`."""


class Reconnect(NamedTuple):
    """Drop the connection to the server, of which nothing is to be heard any more, and open another
    one; answer as to `Connect`."""


class Send(NamedTuple):
    """Write these bytes to a peer, in one write."""

    peer: Peer
    data: bytes


class SendEof(NamedTuple):
    """Tell a peer that no more will come, after what was sent; go on reading from it."""

    peer: Peer


class Close(NamedTuple):
    """Close the connection to a peer after what was sent."""

    peer: Peer


class Reset(NamedTuple):
    """Drop the connection to a peer at once, with a reset where that can be done."""

    peer: Peer


class Await(NamedTuple):
    """Await this, then say `Session.awaited`; `ticket` says which one it was.

    With `NOBODY_WAITS` for a ticket the session goes on, and may even be over.
    """

    awaitable: Awaitable[None]
    ticket: int


NOBODY_WAITS = 0


class PauseReading(NamedTuple):
    """Read nothing more from a peer until `ResumeReading`."""

    peer: Peer


class ResumeReading(NamedTuple):
    """Read from a peer again."""

    peer: Peer


class Tell(NamedTuple):
    """A record for whoever listens."""

    record: AnyRecord | Messages


Command = (
    Connect
    | Reconnect
    | Send
    | SendEof
    | Close
    | Reset
    | Await
    | PauseReading
    | ResumeReading
    | Tell
)
