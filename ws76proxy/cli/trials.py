"""What rules would have done, on standard output: as a diff for a person, or as records."""

from __future__ import annotations

import base64
import difflib
import io
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Protocol

import msgspec
import rich.console

from ws76proxy.console.ink import Ink
from ws76proxy.console.text import escape_head, neutral
from ws76proxy.record import AdjustmentRecord, ChangeRecord, RecordingRecord
from ws76proxy.redaction import redact, redact_head
from ws76proxy.replay.compare import first_difference
from ws76proxy.replay.trial import Hunk, Trial

__all__ = ["DiffSink", "JsonSink", "Tally", "TrialSink"]

_MOST = 2_000
"""Characters of a message that are looked at around what is different in it."""
_AROUND = 80


class Tally:
    """All trials summed up; `names` are the rules, in order."""

    def __init__(self, names: Iterable[str]) -> None:
        self.acts = dict.fromkeys(names, 0)
        self.sessions = 0
        self.sessions_changed = 0
        self._meant: set[str] = set()
        self._counts: Counter[str] = Counter()

    def add(self, trial: Trial) -> None:
        """One more session."""
        self.sessions += 1
        self.sessions_changed += trial.changes
        self._meant |= trial.meant
        for name, times in trial.acts.items():
            self.acts[name] = self.acts.get(name, 0) + times
        for name in ("messages", "messages_changed", "heads", "heads_changed", "injected", "lost"):
            self._counts[name] += getattr(trial, name)

    def as_json(self) -> dict[str, Any]:
        """The figures, for programs."""
        return {
            "type": "summary",
            "sessions": self.sessions,
            "sessions_changed": self.sessions_changed,
            **{name: self._counts[name] for name in ("messages", "messages_changed")},
            **{name: self._counts[name] for name in ("heads", "heads_changed")},
            "messages_injected": self._counts["injected"],
            "messages_lost": self._counts["lost"],
            "rules": self.acts,
        }

    def lines(self) -> Iterator[str]:
        """The figures in words, and then who acted and who did not."""
        counts = self._counts
        parts = [
            f"{counts['messages_changed']:,} of {_many(counts['messages'], 'message')}",
            f"{counts['heads_changed']:,} of {_many(counts['heads'], 'head')} would change",
        ]
        text = " and ".join(parts)
        if counts["injected"]:
            text += f", {_many(counts['injected'], 'message')} would be injected"
        if counts["lost"]:
            text += f", {counts['lost']:,} would never be said"
        if self.sessions:
            text += f", in {self.sessions_changed:,} of {_many(self.sessions, 'session')}"
        acted = [
            f"{neutral(name)!r} {'once' if times == 1 else f'{times:,} times'}"
            for name, times in self.acts.items()
            if times
        ]
        yield text + (f"; acted: {', '.join(acted)}" if acted else "; no rule acted")
        for name, times in self.acts.items():
            if not times:
                yield f"rule {neutral(name)!r} never acted: {self._why_not(name)}"

    def _why_not(self, name: str) -> str:
        if not self.sessions:
            return "there was no session"
        if name in self._meant:
            return "it is for these sessions, and found nothing to do in them"
        return "it is for none of these sessions"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


class TrialSink(Protocol):
    """Takes trials, and has a text for them."""

    @property
    def encoding(self) -> str:
        """What the text is to be encoded in."""

    def tell(self, trial: Trial) -> str:
        """The text of one session; empty where there is nothing to say."""

    def finish(self, tally: Tally) -> str:
        """The text at the end."""


class JsonSink:
    """The records that a relay with these rules would tell, and a summary, as JSON Lines."""

    encoding = "utf-8"

    def __init__(self, *, show_secrets: bool) -> None:
        self._show_secrets = show_secrets
        self._header: RecordingRecord | None = None
        self._encoder = msgspec.json.Encoder()

    def tell(self, trial: Trial) -> str:
        records: list[Any] = []
        header = trial.session.recording
        if trial.hunks and header is not None and header != self._header:
            self._header = header
            records.append(header)
        for hunk in trial.hunks:
            records += hunk.records
        if not self._show_secrets:
            records = [redact(record) for record in records]
        return self._encoder.encode_lines(records).decode()

    def finish(self, tally: Tally) -> str:
        return msgspec.json.encode(tally.as_json()).decode() + "\n"


class DiffSink:
    """Like a unified diff: a hunk for each head and message."""

    def __init__(self, rules: str, *, show_secrets: bool) -> None:
        """`rules`: what the rules are called."""
        self._rules = rules
        self._show_secrets = show_secrets
        self._console = rich.console.Console(file=sys.stdout)
        self._ink = Ink.of(self._console)

    @property
    def encoding(self) -> str:
        return sys.stdout.encoding

    def tell(self, trial: Trial) -> str:
        if not (trial.hunks or trial.losses):
            return ""
        lines = io.StringIO()
        self._put(lines, "strong", f"--- {neutral(trial.name)}")
        self._put(lines, "strong", f"+++ with {neutral(self._rules)}")
        for hunk in trial.hunks:
            self._put(lines, "client", f"@@ {_heading(hunk)} @@")
            for style, line in self._body(hunk):
                self._put(lines, style, line)
        for messages, rule, what in trial.losses:
            lost = f"{_many(messages, 'message')} after that would never be said"
            self._put(lines, "warning", f'! rule "{neutral(rule)}" {what}: {lost}')
        for note in trial.notes:
            self._put(lines, "dim", f"# {neutral(note)}")
        return lines.getvalue()

    def finish(self, tally: Tally) -> str:
        lines = io.StringIO()
        first, *others = tally.lines()
        self._put(lines, "strong", first)
        for line in others:
            self._put(lines, "warning", line)
        return lines.getvalue()

    def _put(self, lines: io.StringIO, style: str, text: str) -> None:
        lines.write(self._ink.paint([(style, text)]) + "\n")

    def _body(self, hunk: Hunk) -> Iterator[tuple[str, str]]:
        changes = [one for one in hunk.records if isinstance(one, ChangeRecord)]
        for one in hunk.records:
            if isinstance(one, AdjustmentRecord):
                yield from self._head_lines(one)
        if hunk.what == "message":
            yield from self._message_lines(hunk.shown, changes)
        elif hunk.what == "injection":
            yield from (("good", f"+{line}") for line in _lines(_after(changes[0])))
        for rule, deeds in _deeds(hunk).items():
            did = f": {neutral(', '.join(deeds))}" if deeds else ""
            yield "warning", f'! rule "{neutral(rule)}"{did}'

    def _head_lines(self, record: AdjustmentRecord) -> Iterator[tuple[str, str]]:
        for style, sign, value in (("error", "-", record.before), ("good", "+", record.after)):
            if value is None:
                continue
            is_line = record.what in ("request line", "status line")
            text = value if is_line else f"{record.what}: {value}"
            if not self._show_secrets:
                text = redact_head(text)
            yield style, sign + escape_head(text)

    def _message_lines(self, shown: str, changes: list[ChangeRecord]) -> Iterator[tuple[str, str]]:
        edits = [one for one in changes if one.before is not None or one.after is not None]
        if not edits:
            yield from (("", f" {line}") for line in _lines(_excerpt(shown, shown)[0]))
            return
        before = _text(edits[0].before, edits[0].before_payload)
        last = edits[-1]
        if any(one.deed == "drop" for one in changes):
            yield from (("error", f"-{line}") for line in _lines(_excerpt(before, "")[0]))
            return
        old, new = _excerpt(before, _after(last))
        yield from _difference(_lines(old), _lines(new))


def _deeds(hunk: Hunk) -> dict[str, list[str]]:
    """What each rule did, in words; nothing where the lines above say it."""
    found: dict[str, list[str]] = {}
    for rule, record in zip(hunk.rules, hunk.records, strict=True):
        deeds = found.setdefault(rule, [])
        if isinstance(record, ChangeRecord):
            deeds.append(f"{record.deed} ({record.detail})" if record.detail else record.deed)
        elif record.what == "digest":
            deeds.append(record.why.rpartition(": ")[2])
    return found


def _heading(hunk: Hunk) -> str:
    at = f"{hunk.time:.3f} s"
    if hunk.what == "request":
        return f"request, {at}"
    if hunk.what == "answer":
        return f"answer, {at}"
    if hunk.what == "message":
        return f"message {hunk.number} of the {hunk.direction}, {at}"
    to = "client" if hunk.direction == "server" else "server"
    return f"to the {to}, {hunk.place}, {at}"


def _payload(text: str | None, payload: str | None) -> bytes:
    return (text or "").encode() if payload is None else base64.b64decode(payload)


def _text(text: str | None, payload: str | None) -> str:
    """A payload as text; bytes that are not UTF-8 as ``\\xNN``."""
    return _payload(text, payload).decode("utf-8", "backslashreplace")


def _after(one: ChangeRecord) -> str:
    if one.deed == "inject" and one.detail == "raw bytes":
        return _payload(one.after, one.after_payload).hex(" ")
    return _text(one.after, one.after_payload)


def _lines(text: str) -> list[str]:
    """The text in lines, each fit for a terminal."""
    return [neutral(line) for line in text.split("\n")]


def _excerpt(before: str, after: str) -> tuple[str, str]:
    """Of long texts what is different, and a little around it."""
    if len(before) <= _MOST and len(after) <= _MOST:
        return before, after
    start = 0
    if before != after:
        start = max(0, first_difference(before, after) - _AROUND)
    return _cut(before, start), _cut(after, start)


def _cut(text: str, start: int) -> str:
    piece = text[start : start + _MOST]
    left = len(text) - start - len(piece)
    return ("…" if start else "") + piece + (f"… ({left:,} more characters)" if left > 0 else "")


def _difference(old: list[str], new: list[str]) -> Iterator[tuple[str, str]]:
    styles = {"-": "error", "+": "good", " ": ""}
    for line in islice(difflib.unified_diff(old, new, n=1, lineterm=""), 2, None):
        # Its own headings: ours stands above.
        if not line.startswith("@@"):
            yield styles[line[0]], line
