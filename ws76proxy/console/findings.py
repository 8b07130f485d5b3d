"""Findings on a page: what is wrong at length, what is worth knowing in short, what passed in a list."""

from __future__ import annotations

from collections.abc import Iterable

from ws76proxy.console.ink import Row
from ws76proxy.console.page import Page, session_span, time_span
from ws76proxy.console.text import escape_head, neutral
from ws76proxy.diagnosis.model import Severity
from ws76proxy.record import FindingRecord

__all__ = ["finding_row", "put_finding", "put_findings"]


def put_findings(page: Page, findings: Iterable[FindingRecord], *, evidence: bool) -> None:
    """The findings in the order in which they came, those that passed in one line at the end."""
    passed: list[str] = []
    for finding in findings:
        if finding.severity is Severity.GOOD:
            passed.append(finding.code)
        else:
            put_finding(page, finding, evidence=evidence)
    if passed:
        page.listed(f"{page.ink.good} passed", passed, label_style="good")


def put_finding(page: Page, finding: FindingRecord, *, evidence: bool) -> None:
    """One finding; `evidence`: with its bytes."""
    style = str(finding.severity)
    label = _label(page, finding.severity)
    if finding.severity in (Severity.GOOD, Severity.INFO):
        text = f"{finding.title}: {finding.detail}" if finding.detail else finding.title
        page.text(label, f"{text} ({finding.code})", label_style=style)
    else:
        page.text(label, finding.title, style="strong", label_style=style)
        for name, text in (
            ("", finding.detail),
            ("effect", finding.consequence),
            ("fix", finding.fix),
        ):
            if text:
                page.text(name, text)
        page.text("code", _reference(finding), style="dim")
    if evidence and finding.evidence:
        place = "" if finding.offset is None else f" at byte {finding.offset}"
        whose = "" if finding.stream is None else f" from the {finding.stream}"
        page.text("bytes", f"{escape_head(finding.evidence)}{whose}{place}", style="dim")


def finding_row(page: Page, finding: FindingRecord) -> Row:
    """A finding in one line."""
    text = f"{finding.code}: {finding.detail or finding.title}"
    return [
        session_span(finding.session),
        time_span(finding.time),
        (str(finding.severity), f"{_label(page, finding.severity):<10} "),
        ("", neutral(text)),
    ]


def _label(page: Page, severity: Severity) -> str:
    marks = {Severity.GOOD: page.ink.good, Severity.ERROR: page.ink.bad, Severity.WARNING: "!"}
    return f"{marks.get(severity, 'i')} {severity}"


def _reference(finding: FindingRecord) -> str:
    section = finding.section
    where = f"section {section}" if section[:1].isdigit() else section
    side = "something between" if finding.side == "between" else finding.side
    return ", ".join(part for part in (finding.code, side, where) if part)
