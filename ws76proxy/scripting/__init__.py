"""Scripts of users: the classes that they see, and the calling of their functions; pure."""

from ws76proxy.scripting.burst import Burst, Waiting
from ws76proxy.scripting.calls import Running, Scripts, SessionScripts
from ws76proxy.scripting.deeds import (
    Closing,
    Deed,
    Deeds,
    Injection,
    Mark,
    ScriptLimits,
    SessionOver,
    TooManyDeeds,
)
from ws76proxy.scripting.handshake import Answer, Close, Request, Response
from ws76proxy.scripting.headers import EditableHeaders, Headers
from ws76proxy.scripting.message import Edit, Message
from ws76proxy.scripting.script import FUNCTIONS, Function, Script, ScriptFault
from ws76proxy.scripting.session import Session

__all__ = [
    "FUNCTIONS",
    "Answer",
    "Burst",
    "Close",
    "Closing",
    "Deed",
    "Deeds",
    "Edit",
    "EditableHeaders",
    "Function",
    "Headers",
    "Injection",
    "Mark",
    "Message",
    "Request",
    "Response",
    "Running",
    "Script",
    "ScriptFault",
    "ScriptLimits",
    "Scripts",
    "Session",
    "SessionOver",
    "SessionScripts",
    "TooManyDeeds",
    "Waiting",
]
