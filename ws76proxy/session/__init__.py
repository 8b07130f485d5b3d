"""One intercepted connection as a pure machine: bytes of two peers in, commands out."""

from ws76proxy.session.bridging import DialectMemory
from ws76proxy.session.commands import (
    Await,
    Close,
    Command,
    Connect,
    PauseReading,
    Peer,
    Reconnect,
    Reset,
    ResumeReading,
    Send,
    SendEof,
    Tell,
)
from ws76proxy.session.core import Session
from ws76proxy.session.edits import Editing, RuleBook
from ws76proxy.session.options import SessionOptions
from ws76proxy.session.outgoing import HeldView

__all__ = [
    "Await",
    "Close",
    "Command",
    "Connect",
    "DialectMemory",
    "Editing",
    "HeldView",
    "PauseReading",
    "Peer",
    "Reconnect",
    "Reset",
    "ResumeReading",
    "RuleBook",
    "Send",
    "SendEof",
    "Session",
    "SessionOptions",
    "Tell",
]
