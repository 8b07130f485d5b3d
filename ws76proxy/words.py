"""What went wrong on a connection, in the words of a person."""

from __future__ import annotations

import os
import socket
import ssl

__all__ = ["in_words", "upstream_tls_in_words"]


def in_words(error: BaseException) -> str:
    """What the system says of an error."""
    if not isinstance(error, OSError) or error.errno is None:
        return str(error) or type(error).__name__
    if isinstance(error, ssl.SSLError | socket.gaierror):
        return error.strerror or str(error)
    # Not its own text: asyncio's says that a call failed, and not why.
    return os.strerror(error.errno)


def upstream_tls_in_words(error: ssl.SSLError) -> str:
    """Why there is no TLS with the server."""
    message = getattr(error, "verify_message", None)
    if message:
        return f"the server's certificate is not trusted: {message}"
    reason = str(error.reason or error).replace("_", " ").lower()
    return f"the TLS handshake failed: {reason}"
