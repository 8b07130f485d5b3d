"""Recordings made of the console's sample sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from tests.console.sample_records import Told
from ws76proxy.record import AnyRecord, Messages, RecordingRecord

_encoder = msgspec.json.Encoder()


def header(run: str = "a1", **changes: Any) -> RecordingRecord:
    made: dict[str, Any] = {
        "session": 0,
        "time": 0.0,
        "format": 1,
        "version": 1,
        "tool": "ws76proxy 0.0",
        "run": run,
        "started": "2026-03-14T15:09:26.000+01:00",
        "vantage": "relay",
        "dialects": ["hixie-76", "hixie-75"],
        "redacted": False,
    }
    return RecordingRecord(**{**made, **changes})


def single(told: Iterable[Told]) -> Iterator[AnyRecord]:
    """Each record alone, as a recording has them."""
    for record in told:
        if isinstance(record, Messages):
            yield from record.records()
        else:
            yield record


def as_lines(told: Iterable[Told]) -> bytes:
    return _encoder.encode_lines(single(told))


def write(path: Path, told: Iterable[Told], **about: Any) -> Path:
    """A recording with its header."""
    path.write_bytes(as_lines([header(**about), *told]))
    return path
