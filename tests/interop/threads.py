"""Servers of our own, each in a thread while a test goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import TCPServer

from .process import PATIENCE

__all__ = ["in_thread"]


@contextmanager
def in_thread(server: TCPServer) -> Iterator[int]:
    """Have it serve while the context lasts; its port."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(PATIENCE)
