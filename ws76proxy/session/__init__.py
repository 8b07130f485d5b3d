"""One intercepted connection as a pure machine: bytes of two peers in, commands out."""

from ws76proxy.session.commands import (
    Close,
    Command,
    Connect,
    PauseReading,
    Peer,
    ResumeReading,
    Send,
    SendEof,
    Tell,
)
from ws76proxy.session.core import Session
from ws76proxy.session.options import SessionOptions

__all__ = [
    "Close",
    "Command",
    "Connect",
    "PauseReading",
    "Peer",
    "ResumeReading",
    "Send",
    "SendEof",
    "Session",
    "SessionOptions",
    "Tell",
]
