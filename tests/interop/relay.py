"""The relay as a user starts it: the real command line, in a process, that tells in JSON Lines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .process import PATIENCE, Process, ProcessError

Record = dict[str, Any]


class Adjustment(NamedTuple):
    """One change of a head, as the relay tells it."""

    toward: str
    what: str
    before: str | None
    after: str | None


class Relay:
    """A relay that is ready."""

    def __init__(self, process: Process, url: str) -> None:
        self._process = process
        self._records: list[Record] = []
        self.url = url
        self.netloc = urlsplit(url).netloc

    def records(self) -> list[Record]:
        """What it told so far."""
        lines = self._process.lines("stdout")
        self._records += map(json.loads, lines[len(self._records) :])
        return self._records

    def finish(self, sessions: int = 1) -> list[Record]:
        """Wait for so many sessions to end, stop the relay as a user would, give all it told."""

        def ended() -> bool | None:
            return len(of_type(self.records(), "session-end")) >= sessions or None

        self._process.wait_until(ended, f"{sessions} session-end records", PATIENCE)
        self._stop()
        return self.records()

    def printed(self) -> str:
        """Stop a relay that prints for a human reader, and give what it printed."""
        self._stop()
        return "\n".join(self._process.lines("stdout"))

    def _stop(self) -> None:
        status = self._process.stop()
        if status:
            raise ProcessError(f"SIGTERM ended it with status {status}")


def of_type(records: list[Record], kind: str) -> list[Record]:
    return [record for record in records if record["type"] == kind]


def by_session(records: list[Record]) -> list[list[Record]]:
    """The records of each session by themselves."""
    sessions: dict[int, list[Record]] = {}
    for record in records:
        sessions.setdefault(record["session"], []).append(record)
    return list(sessions.values())


def only(records: list[Record], kind: str) -> Record:
    """The one record of a type."""
    (record,) = of_type(records, kind)
    return record


def texts(records: list[Record], direction: str) -> list[str]:
    return [
        message["text"]
        for message in of_type(records, "message")
        if message["direction"] == direction
    ]


def adjustments(records: list[Record], cause: str) -> list[Adjustment]:
    """What went on other than it came, for one cause, in order."""
    return [
        Adjustment(*(record[name] for name in Adjustment._fields))
        for record in of_type(records, "adjustment")
        if record["cause"] == cause
    ]


def assert_verified(records: list[Record]) -> None:
    """The server answered the client's own challenge, and rightly."""
    challenge = only(records, "challenge")
    assert (challenge["asked_by"], challenge["answered_by"]) == ("client", "server")
    assert challenge["verdict"] == "verified"
    assert challenge["received"] == challenge["expected"]
    assert len(bytes.fromhex(challenge["expected"])) == 16
    (end,) = [
        one for one in of_type(records, "session-end") if one["session"] == challenge["session"]
    ]
    assert (end["outcome"], end["verdict"]) == ("open", "verified")


@contextmanager
def relaying(upstream: str, *arguments: str, json_lines: bool = True) -> Iterator[Relay]:
    """A relay in front of a server, on a port of its own choice, while the context lasts."""
    command = [sys.executable, "-m", "ws76proxy", "relay", upstream, "--listen", "127.0.0.1:0"]
    if json_lines:
        command.append("--json")
    with Process("relay", [*command, *arguments], env=os.environ) as process:
        ready = process.wait_for_line("stderr", r"listening on (wss?://[^\s/]+)")
        yield Relay(process, ready[1])
