"""What the interop tests are parametrized with: the real servers, and what is said to them."""

from __future__ import annotations

import pytest

from .peer import PeerName

MIB = 1 << 20
ORIGIN = "http://page.example"
RESOURCE = "/chat?room=1"
# Empty, of two, three and four bytes a character, and one that is written in two ways.
TEXTS = ("hello", "", "Grüße, мир, 世界", "\U0001f600 é\u0301")

BROWSER = pytest.mark.peer("qtwebkit")
PERL_CLIENT = pytest.mark.peer("protocol-websocket")


def servers(*names: PeerName) -> pytest.MarkDecorator:
    """Run a test once with each of these as its `server`."""
    cases = [pytest.param(name, marks=pytest.mark.peer(name)) for name in names]
    return pytest.mark.parametrize("server", cases, indirect=True)


ECHO_SERVERS = servers("eventlet", "protocol-websocket", "websocket-driver")
# Its own server is left out: a library that talks to itself shows nothing.
PERL_CLIENT_SERVERS = servers("eventlet", "websocket-driver")
WRONG_DIGEST_SERVER = servers("ws-0.4")
