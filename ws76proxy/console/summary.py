"""Sessions in a table, a line each: made for thousands of them, so no line waits for the next."""

from __future__ import annotations

import rich.console

from ws76proxy.console.ink import Ink, Row
from ws76proxy.console.text import cells, cut, escape_head, neutral
from ws76proxy.diagnosis.model import Severity
from ws76proxy.record import (
    AnyRecord,
    ChallengeRecord,
    FindingRecord,
    HttpRecord,
    MessageRecord,
    RequestRecord,
    SessionEndRecord,
    SessionStartRecord,
)

__all__ = ["SessionSummary", "SummaryTable"]

_MOST_FINDINGS = 50
_LONGEST_PATH = 500
_VERDICTS = {"verified": "good", "wrong": "error", "missing": "error", "unanswerable": "error"}
_OUTCOMES = {"refused": "error", "failed": "error", "nothing": "dim", "http": "dim"}


class SessionSummary:
    """What a line says of a session, gathered from its records."""

    __slots__ = (
        "_dialect",
        "_findings",
        "_messages",
        "_server_dialect",
        "_verdict",
        "client",
        "end",
        "number",
        "path",
        "started",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.started = ""
        self.client = ""
        self.path = ""
        self.end: SessionEndRecord | None = None
        self._findings: dict[str, bool] = {}
        self._dialect = ""
        self._server_dialect: str | None = None
        self._verdict: str | None = None
        self._messages = {"client": 0, "server": 0}

    def add(self, record: AnyRecord) -> None:
        """Take the session's next record."""
        match record:
            case MessageRecord():
                self._messages[record.direction] += 1
            case SessionStartRecord():
                self.started, self.client = record.started, record.client
            case RequestRecord():
                self.path, self._dialect = record.target[:_LONGEST_PATH], record.dialect
                self._server_dialect = record.server_dialect
            case HttpRecord() if not self._dialect:
                self.path = record.target[:_LONGEST_PATH]
            case ChallengeRecord() if record.answered_by == "server":
                self._verdict = record.verdict
            case FindingRecord() if record.severity is not Severity.GOOD:
                self._found(record.code, record.severity is Severity.ERROR)
            case SessionEndRecord():
                self.end = record
                for code in record.findings:
                    self._found(code, is_error=False)

    def _found(self, code: str, is_error: bool) -> None:
        if code not in self._findings and len(self._findings) < _MOST_FINDINGS:
            self._findings[code] = is_error

    @property
    def findings(self) -> list[str]:
        """The codes of what was found, errors first."""
        return sorted(self._findings, key=lambda code: not self._findings[code])

    @property
    def dialect(self) -> str:
        """What the client spoke, and the server, where that was something else."""
        client = self.end.dialect if self.end is not None and self.end.dialect else self._dialect
        return f"{client}/{self._server_dialect}" if self._server_dialect else client

    @property
    def result(self) -> tuple[str, str]:
        """Style and word for how the opening handshake went."""
        verdict = self._verdict if self.end is None else self.end.verdict
        outcome = "" if self.end is None else self.end.outcome
        if verdict is not None and (outcome not in _OUTCOMES or verdict != "verified"):
            return _VERDICTS.get(verdict, ""), neutral(verdict)
        return _OUTCOMES.get(outcome, ""), outcome or "(no end)"

    @property
    def messages(self) -> tuple[int, int]:
        """How many messages client and server sent."""
        if self.end is not None:
            return self.end.client.messages, self.end.server.messages
        return self._messages["client"], self._messages["server"]


class SummaryTable:
    """Lines of one width for a rich console; where that is no terminal nothing is cut."""

    def __init__(self, console: rich.console.Console) -> None:
        self._console = console
        self._ink = Ink.of(console)

    def head(self) -> str:
        """The line above the columns, ended."""
        right, left = self._ink.right, self._ink.left
        titles = ["#", "began", "client", "dialect", "handshake", right, left, "path", "findings"]
        return self._line([("label", title) for title in titles])

    def line(self, summary: SessionSummary) -> str:
        """A session's line, ended."""
        from_client, from_server = summary.messages
        findings = [neutral(code) for code in summary.findings]
        began, client = summary.started.replace("T", " ")[:19], summary.client
        if self._is_narrow:
            # The day and the port are what a person can do without.
            began, client = began[11:], client.rpartition(":")[0] or client
        return self._line(
            [
                (f"session{summary.number % 5}", str(summary.number)),
                ("dim", neutral(began)),
                ("", neutral(client)),
                ("", neutral(summary.dialect)),
                summary.result,
                ("client", _count(from_client)),
                ("server", _count(from_server)),
                ("", escape_head(summary.path)),
                ("warning" if findings else "", ", ".join(findings)),
            ]
        )

    @property
    def _is_narrow(self) -> bool:
        return self._console.is_terminal and self._console.width < _WIDE

    def _line(self, texts: Row) -> str:
        row: Row = []
        for (style, text), (width, to_the_right) in zip(texts, self._columns(), strict=True):
            shown = text
            if self._console.is_terminal:
                shown = cut(text, width, self._ink.ellipsis)
            space = " " * (width - cells(shown))
            row += [("", space), (style, shown)] if to_the_right else [(style, shown), ("", space)]
            row.append(("", " "))
        return f"{self._ink.paint(row[:-2])}\n"

    def _columns(self) -> list[tuple[int, bool]]:
        """The width of each column, and whether it is set to the right."""
        fixed = _FIXED_NARROW if self._is_narrow else _FIXED
        left = max(self._console.width - sum(width + 1 for width, _ in fixed) - 1, 16)
        path = left * 2 // 5 if self._console.is_terminal else 30
        return [*fixed, (path, False), (left - path, False)]


_WIDE = 110
_FIXED = [(5, True), (19, False), (21, False), (9, False), (12, False), (5, True), (5, True)]
_FIXED_NARROW = [(4, True), (8, False), (13, False), (8, False), (9, False), (4, True), (4, True)]


def _count(number: int) -> str:
    """A number of at most four characters."""
    for unit in ("", "k", "M", "G"):
        if number < 1000 or unit == "G":
            break
        number //= 1000
    return f"{number}{unit}"
