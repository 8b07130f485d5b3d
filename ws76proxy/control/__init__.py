"""Held messages and who decides about them: a control API on a Unix socket, and a prompt."""

from ws76proxy.control.breakpoints import Breakpoints
from ws76proxy.control.messages import RefusedError
from ws76proxy.control.server import ControlLimits, ControlServer
from ws76proxy.control.sockets import private_socket

__all__ = ["Breakpoints", "ControlLimits", "ControlServer", "RefusedError", "private_socket"]
