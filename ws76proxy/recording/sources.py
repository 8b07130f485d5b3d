"""Several recordings read one after the other, so that a fault in one does not stop the rest."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ws76proxy.errors import RecordingError
from ws76proxy.record import AnyRecord, RecordingRecord
from ws76proxy.recording.model import Entry
from ws76proxy.recording.reader import Complain, read_entries, recordings_in

__all__ = ["Source", "Told", "files_of", "read_all", "tell_entries"]


class Source:
    """Where records come from: a file, and the header that they stand below (None: there is none).

    `run` is the same for all files of one run of the recorder: with it a session's number is
    unique.
    """

    __slots__ = ("header", "path", "run")

    def __init__(self, path: Path, header: RecordingRecord | None = None) -> None:
        self.path = path
        self.header = header
        self.run = str(path) if header is None else header.run


class Told(NamedTuple):
    """A record, and where it comes from; `line` is 0 where the file has no lines."""

    source: Source
    record: AnyRecord
    line: int = 0


def tell_entries(source: Source, entries: Iterable[Entry]) -> Iterator[Told]:
    """Entries of a file with the source of each; a header begins another source."""
    for record, line in entries:
        if isinstance(record, RecordingRecord):
            source = Source(source.path, record)
        yield Told(source, record, line)


def files_of(paths: Iterable[Path], complain: Complain) -> list[Path]:
    """The files to read, those in folders among them; what is none is complained about."""
    files: list[Path] = []
    for path in paths:
        try:
            for file in recordings_in([path]):
                # A pipe could be opened only once, and would be waited for.
                if file.exists() and not stat.S_ISREG(file.stat().st_mode):
                    complain(f"{file}: expected a file, found a pipe or a device")
                else:
                    files.append(file)
        except RecordingError as error:
            complain(str(error))
        except OSError as error:
            complain(f"{path}: {error.strerror}")
    return files


def read_all(
    files: Iterable[Path], complain: Complain, progress: Callable[[Path, int], None]
) -> Iterator[Told]:
    """The records of all files. What cannot be read is complained about, and the next file follows.

    `progress` is told the file and how many of its bytes have been read.
    """
    for path in files:
        try:
            entries = read_entries(path, complain, partial(progress, path))
            yield from tell_entries(Source(path), entries)
        except RecordingError as error:
            complain(str(error))
        except OSError as error:
            complain(f"{path}: {error.strerror}")
