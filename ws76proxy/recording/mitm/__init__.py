"""mitmproxy's flow files: hixie and RFC 6455 WebSockets, requests, TCP, and sessions of ours."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ws76proxy.recording.model import Entry, RecordedSession
    from ws76proxy.recording.reader import Complain, Progress

__all__ = ["read", "recognises", "write"]

# A dictionary of mitmproxy's "typed netstrings" begins with its size, and the size of a key.
_START = re.compile(rb"[1-9][0-9]{0,11}:[1-9][0-9]?:[a-z_]+[;,]")


def recognises(start: bytes) -> bool:
    """Whether a file that begins so holds flows."""
    return _START.match(start) is not None


def read(path: Path, complain: Complain, progress: Progress = lambda _: None) -> Iterator[Entry]:
    """The records of a file; see `Format.read`. One flow is in memory at a time."""
    yield from cast("Iterator[Entry]", _module("reading").read(path, complain, progress))


def write(sessions: Iterable[RecordedSession], file: IO[bytes], complain: Complain) -> list[str]:
    """Write sessions, one in memory at a time; return what a stock mitmproxy will not show.

    A session whose records make no sense (edited by hand) is complained about and left out.
    """
    return cast("list[str]", _module("writing").write(sessions, file, complain))


def _module(name: str) -> ModuleType:
    """mitmproxy is large: only who has such a file waits for it."""
    with warnings.catch_warnings():
        # What its libraries say of each other is not for our users.
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_module(f"{__name__}.{name}")
