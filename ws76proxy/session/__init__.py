"""One intercepted connection as a pure machine: bytes of two peers in, commands out."""

from ws76proxy.session.commands import (
    Await,
    Close,
    Command,
    Connect,
    PauseReading,
    Peer,
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
    "Editing",
    "HeldView",
    "PauseReading",
    "Peer",
    "Reset",
    "ResumeReading",
    "RuleBook",
    "Send",
    "SendEof",
    "Session",
    "SessionOptions",
    "Tell",
]
