"""Reads a recording of any known format, chosen by what the file holds, not by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from ws76proxy.errors import RecordingError
from ws76proxy.recording.model import Entry

__all__ = ["Complain", "Format", "format_of", "read_entries", "recordings_in"]

Complain = Callable[[str], None]
"""Takes one message about a fault in a file: which file and line, what was expected and found."""
Progress = Callable[[int], None]
"""Is told how many bytes of the file have been read."""

SUFFIX = ".ws76.jsonl"
_START = 4096
# In the order in which they are asked: ours is known by a line anywhere in a file's beginning, HAR
# and flows by the first bytes, behind which such a line may stand.
_FORMATS = {
    "HAR": "ws76proxy.recording.har",
    "mitmproxy flows": "ws76proxy.recording.mitm",
    "ws76": "ws76proxy.recording.lines",
    "capture": "ws76proxy.recording.capture",
}


class Format(Protocol):
    """What each format's module offers."""

    def recognises(self, start: bytes) -> bool:
        """Whether a file that begins so is of this format."""

    def read(self, path: Path, complain: Complain, progress: Progress) -> Iterator[Entry]:
        """The file's records, a header first; what cannot be read is complained about and passed
        over. Raises RecordingError where nothing of the file can be read."""


def format_of(path: Path) -> Format:
    """The module that reads this file.

    Raises RecordingError for a file of no known format, or that cannot be opened.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from None
    if not start.strip():
        raise RecordingError(f"{path}: expected a recording, found an empty file")
    for name in _FORMATS.values():
        module = cast("Format", import_module(name))
        if module.recognises(start):
            return module
    known = ", ".join(_FORMATS)
    raise RecordingError(f"{path}: expected one of {known}, found a file beginning {start[:16]!r}")


def recordings_in(paths: Iterable[Path]) -> list[Path]:
    """The files to read: a folder stands for the recordings in it, in the order of their names.

    Raises RecordingError for a folder without any.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.glob(f"*{SUFFIX}"))
            if not inside:
                raise RecordingError(f"{path}: expected files *{SUFFIX} in this folder, found none")
            files += inside
        else:
            files.append(path)
    return files


def read_entries(
    path: Path, complain: Complain, progress: Progress = lambda _: None
) -> Iterator[Entry]:
    """The records of a file, one by one, as they were told.

    Raises RecordingError as `format_of` does, or where nothing of the file can be read.
    """
    yield from format_of(path).read(path, complain, progress)
