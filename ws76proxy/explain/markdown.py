"""Explained handshakes as Markdown, to be pasted into a bug report."""

from __future__ import annotations

import re
import textwrap

from ws76proxy.console.challenge import put_answer, put_steps
from ws76proxy.console.ink import PLAIN
from ws76proxy.console.page import Page
from ws76proxy.diagnosis import CATALOGUE, Diagnosis, Finding, Severity, Side, Stream
from ws76proxy.diagnosis.report import markdown
from ws76proxy.explain.explained import Explained
from ws76proxy.explain.report import in_words
from ws76proxy.explain.tally import Tally
from ws76proxy.explain.text import handshake_of
from ws76proxy.record import ChallengeRecord, FindingRecord, HttpRecord, key_reading

__all__ = ["MarkdownReport"]

_WIDTH = 100
_SYNTAX = re.compile(r"([\\`*_\[\]<>|&~#:.@])")


class MarkdownReport:
    """A section for each session: the derivation as it stands in a terminal, then the findings.

    Both heads are in it. `show_secrets`: with cookies and credentials. Nothing from the wire is
    taken for markup.
    """

    def __init__(self, *, show_secrets: bool = False) -> None:
        self._show_secrets = show_secrets

    def begin(self) -> str:
        """Nothing stands before the first session."""
        return ""

    def session(self, session: Explained) -> str:
        """Its section."""
        shown = session if self._show_secrets else session.redacted()
        findings = shown.findings
        told = [one for one in findings if one.severity is not Severity.GOOD]
        passed = [one.code for one in findings if one.severity is Severity.GOOD]
        parts = [f"## {_title(shown)}\n"]
        if shown.source:
            taken = f", taken for {shown.kind}" if shown.kind else ""
            number = "" if shown.kind else f", session {shown.number}"
            parts.append(f"{_escaped(shown.source)}{number}{taken}\n")
        parts += [f"*Note:* {_escaped(note)}\n" for note in shown.notes]
        parts.append(_fenced(_block(shown)))
        if told:
            parts.append(markdown([_diagnosis(one) for one in told]))
        if passed:
            codes = ", ".join([f"`{code}`" for code in dict.fromkeys(passed)])
            parts.append(f"Passed: {codes}\n")
        return "\n".join([*parts, ""])

    def note(self, text: str) -> str:
        """A paragraph."""
        return f"{_escaped(text)}\n\n"

    def finish(self, tally: Tally, told: int) -> str:
        """A table of codes, and the verdict over each server."""
        if tally.sessions < 2:
            return ""
        lines = ["## Summary", "", f"{in_words(tally, told)}.", ""]
        if tally.codes:
            lines += ["| severity | sessions | code | finding |", "|---|---:|---|---|"]
            lines += [
                f"| {severity} | {sessions:,} | `{_cell(code)}` | {_escaped(title)} |"
                for code, severity, title, sessions in tally.codes
            ]
            lines.append("")
        lines += [
            f"- {_escaped(server)}: {_escaped(together.verdict)}."
            for server, together in tally.servers
        ]
        return "\n".join(lines) + "\n"

    def page(self, finding: Finding) -> str:
        """The finding's section."""
        return markdown([Diagnosis(finding, "")])


def _title(session: Explained) -> str:
    request = session.request
    if session.kind == "keys":
        return "A challenge"
    if request is None:
        return "No handshake"
    return f"{_escaped(request.dialect)} handshake for {_escaped(request.target[:200])}"


def _block(session: Explained) -> str:
    """What stands in a terminal, without the findings."""
    page = Page(PLAIN, _WIDTH, [])
    text = ""
    if session.kind != "keys":
        handshake = handshake_of(session)
        handshake.findings = []
        text = textwrap.dedent(handshake.block(PLAIN, _WIDTH, session=0, raw=True))
    for record in session.records:
        if isinstance(record, HttpRecord):
            page.text("HTTP", f"{record.method} {record.target}")
    if session.asked is not None:
        challenge = session.asked
        key1, key2 = key_reading(challenge.key1), key_reading(challenge.key2)
        page.row(("", "what the server must send"))
        put_steps(page, key1, key2, challenge.key3, challenge.answer)
        for record in session.records:
            if isinstance(record, ChallengeRecord):
                put_answer(page, record)
    return text + page.painted()


def _diagnosis(record: FindingRecord) -> Diagnosis:
    """What was told, as it was diagnosed."""
    entry = CATALOGUE.get(record.code)
    finding = Finding(
        record.code,
        record.title,
        record.severity,
        Side(record.side),
        record.consequence,
        record.fix,
        record.section,
        "" if entry is None else entry.cause,
        "" if entry is None else entry.carriers,
    )
    stream = None if record.stream is None else Stream(record.stream)
    evidence = record.evidence.encode("latin-1", "replace")
    return Diagnosis(finding, record.detail, stream, record.offset, evidence)


def _fenced(text: str) -> str:
    """A code block that no backticks in it can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}text\n{text.rstrip()}\n{fence}\n"


def _escaped(text: str) -> str:
    """Text that no part of can be markup, an address that becomes a link, or a line of its own."""
    return _SYNTAX.sub(r"\\\1", " ".join(text.split()))


def _cell(code: str) -> str:
    return code.replace("|", "").replace("`", "")
