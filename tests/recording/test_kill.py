"""`kill -9` under load: every file is readable, and nothing but the tail is missing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from ws76proxy.record import MessageRecord, RecordingRecord
from ws76proxy.recording import read_entries

ROOT = Path(__file__).parents[2]
ROUNDS = 25


def numbers_in(files: list[Path]) -> dict[tuple[str, str], list[int]]:
    """The numbers of the recorded messages, in order, for each client and direction.

    A torn last line is all that may be wrong with a file.
    """
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for path in files:
        complaints: list[str] = []
        content = path.read_bytes()
        records = [entry.record for entry in read_entries(path, complaints.append)]
        assert isinstance(records[0], RecordingRecord)
        assert len(complaints) == (not content.endswith(b"\n")), complaints
        for record in records:
            if isinstance(record, MessageRecord):
                match = re.fullmatch(r"(client\d+) (\d+)", record.text)
                assert match
                numbers[match[1], record.direction].append(int(match[2]))
    return numbers


def is_begun(path: Path) -> bool:
    """Whether a file has more than the beginning of its header."""
    return b"\n" in path.read_bytes()


@pytest.mark.parametrize("name", ["folder", "all.jsonl"])
def test_kill(tmp_path: Path, name: str) -> None:
    driver = [sys.executable, "-m", "tests.recording.killing", str(tmp_path / name)]
    done = subprocess.run(
        [*driver, str(ROUNDS), "76"], cwd=ROOT, stdout=subprocess.PIPE, timeout=150, check=True
    )
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rounds) == ROUNDS
    checked = 0
    for one in rounds:
        place = Path(one["place"])
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        numbers = numbers_in([path for path in files if is_begun(path)])
        for client, must in one["must"].items():
            checked += must
            for direction in ("client", "server"):
                recorded = numbers.get((client, direction), [])
                assert recorded == list(range(1, len(recorded) + 1))
                assert len(recorded) >= must, f"{client}, {direction}, in {place}"
    # A machine on which nothing had come back so long before would have shown nothing.
    assert checked > 1000
