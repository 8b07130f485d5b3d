"""Sessions put together from the records of several files, each as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ws76proxy.record import RecordingRecord, SessionEndRecord, SessionStartRecord
from ws76proxy.recording.model import RecordedSession
from ws76proxy.recording.reader import Complain, read_entries, recordings_in
from ws76proxy.recording.sources import Source, Told, read_all, tell_entries

__all__ = ["MOST_RECORDS", "gather", "read_sessions"]

MOST_RECORDS = 2_000_000
"""How many records are held at once, of all sessions that have not ended."""


def read_sessions(
    paths: Iterable[Path], complain: Complain, *, most_records: int = MOST_RECORDS
) -> Iterator[RecordedSession]:
    """The sessions of some files and folders, each as a whole, in the order in which they end.

    A session that goes on in another of these files is put together. One without an end (the
    recorder was killed, or is still at work) comes at the end. Raises RecordingError for a folder
    without recordings, and for a single file of which nothing can be read; one among several is
    complained about. As for `most_records`, see `gather`.
    """
    files = recordings_in(paths)
    if len(files) == 1:
        told = tell_entries(Source(files[0]), read_entries(files[0], complain))
    else:
        told = read_all(files, complain, lambda _path, _size: None)
    yield from gather(told, complain, most_records=most_records)


def gather(
    stream: Iterable[Told], complain: Complain, *, most_records: int = MOST_RECORDS
) -> Iterator[RecordedSession]:
    """The sessions, in the order in which they end; those without an end come last.

    A session with which there would be more than `most_records` is complained about and left out.
    """
    sessions: dict[tuple[str, int], RecordedSession] = {}
    left_out: set[tuple[str, int]] = set()
    held = 0
    for source, record, line in stream:
        if isinstance(record, RecordingRecord) or not record.session:
            continue
        key = (source.run, record.session)
        session = sessions.get(key)
        if session is not None and isinstance(record, SessionStartRecord):
            # The number begins again: the recorder had been killed.
            held -= len(session.records)
            yield sessions.pop(key)
            session = None
        if isinstance(record, SessionStartRecord):
            left_out.discard(key)
        if key in left_out:
            continue
        if session is None:
            session = sessions[key] = RecordedSession(str(source.path), source.header)
        if held >= most_records:
            complain(
                f"{source.path}: session {record.session} is left out: with it more than"
                f" {most_records:,} records would have to be held at once"
            )
            held -= len(sessions.pop(key).records)
            left_out.add(key)
            continue
        session.records.append(record)
        session.lines.append(line)
        held += 1
        if isinstance(record, SessionEndRecord):
            held -= len(session.records)
            yield sessions.pop(key)
    yield from sessions.values()
