"""What *we* or the user did wrong: a peer's faults are findings, never exceptions."""

from __future__ import annotations

__all__ = ["LocalProtocolError", "RecordingError", "UsageError", "Ws76Error"]


class Ws76Error(Exception):
    """The root of everything that this package raises on purpose."""


class UsageError(Ws76Error):
    """The user asked for something that cannot be done; the text says what was expected and found.

    The command line turns it into one line on standard error and exit status 2.
    """


class LocalProtocolError(Ws76Error):
    """Our own side was asked to do what its dialect forbids or cannot express.

    For example: a text frame that contains the byte 0xFF, or a message before the handshake.
    """


class RecordingError(UsageError):
    """A file that is not, or not any more, a recording; the text says where and why."""
