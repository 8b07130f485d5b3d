"""Recordings: written as sessions go on, read back from every format that holds them."""

from ws76proxy.errors import RecordingError
from ws76proxy.recording.gathering import read_sessions
from ws76proxy.recording.model import (
    Entry,
    RecordedSession,
    Streams,
    message_payload,
    rebuild,
)
from ws76proxy.recording.reader import (
    Complain,
    format_of,
    read_entries,
    recordings_in,
)

__all__ = [
    "Complain",
    "Entry",
    "RecordedSession",
    "RecordingError",
    "Streams",
    "format_of",
    "message_payload",
    "read_entries",
    "read_sessions",
    "rebuild",
    "recordings_in",
]
