"""Explained handshakes as one JSON document, written piece by piece."""

from __future__ import annotations

from typing import Any

import msgspec

from ws76proxy import __version__
from ws76proxy.diagnosis import HYPOTHESES, Finding
from ws76proxy.explain.explained import Explained
from ws76proxy.explain.tally import Tally
from ws76proxy.record import KeyReading, key_reading
from ws76proxy.wire.challenge import Challenge

__all__ = ["JSON_VERSION", "JsonReport"]

JSON_VERSION = 1


class JsonReport:
    """``{"version", "tool", "sessions": [], "notes": [], "summary": {}}``; records as published.

    Of findings alone: ``{"version", "tool", "findings": []}``. `show_secrets`: with cookies and
    credentials.
    """

    def __init__(self, *, show_secrets: bool = False) -> None:
        self._show_secrets = show_secrets
        self._encoder = msgspec.json.Encoder()
        self._notes: list[str] = []
        self._sessions = 0
        self._pages: list[dict[str, Any]] = []

    def begin(self) -> str:
        """The beginning of the document."""
        return f'{{"version": {JSON_VERSION}, "tool": "ws76proxy {__version__}"'

    def session(self, session: Explained) -> str:
        """The next item of the list of sessions."""
        shown = session if self._show_secrets else session.redacted()
        before = ",\n" if self._sessions else ',\n"sessions": [\n'
        self._sessions += 1
        return before + self._encoded(
            {
                "source": shown.source,
                "session": shown.number,
                "taken_for": shown.kind,
                "server": shown.server,
                "worst": shown.worst,
                "notes": shown.notes,
                "challenge": None if shown.asked is None else _challenge(shown.asked),
                "records": shown.records,
                "left_out": shown.left_out,
            }
        )

    def note(self, text: str) -> str:
        """Nothing for now: it stands at the end."""
        self._notes.append(text)
        return ""

    def finish(self, tally: Tally, told: int) -> str:
        """The rest of the document."""
        if self._pages:
            return f',\n"findings": {self._encoded(self._pages)}}}\n'
        before = "\n]" if self._sessions else ',\n"sessions": []'
        summary = {
            "sessions": tally.sessions,
            "told": told,
            "worst": tally.worst,
            "findings": [code._asdict() for code in tally.codes],
            "servers": [
                {
                    "server": server,
                    "right": together.right,
                    "wrong": together.wrong,
                    "unanswerable": together.unanswerable,
                    "explained": together.explained,
                    "contradicted": together.contradicted,
                    "causes": [cause.code for cause in together.causes],
                    "verdict": together.verdict,
                }
                for server, together in tally.servers
            ],
        }
        notes = self._encoded(self._notes)
        return f'{before},\n"notes": {notes},\n"summary": {self._encoded(summary)}}}\n'

    def page(self, finding: Finding) -> str:
        """Nothing for now: all of them stand at the end."""
        hypothesis = HYPOTHESES.get(finding.code)
        shows = "" if hypothesis is None else hypothesis.shows
        self._pages.append({**msgspec.to_builtins(finding), "shows_in": shows})
        return ""

    def _encoded(self, value: object) -> str:
        return self._encoder.encode(value).decode()


def _challenge(challenge: Challenge) -> dict[str, str | KeyReading | None]:
    """The challenge that has no answer here, and the one that it must get; bytes in hexadecimal."""
    hashed, answer = challenge.concatenation, challenge.answer
    return {
        "key1": key_reading(challenge.key1),
        "key2": key_reading(challenge.key2),
        "key3": challenge.key3.hex(),
        "challenge": None if hashed is None else hashed.hex(),
        "answer": None if answer is None else answer.hex(),
    }
