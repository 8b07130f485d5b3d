"""Findings on a page: faults at length, what is worth knowing in short, what passed in a list."""

from __future__ import annotations

from collections.abc import Iterable

from ws76proxy.console.ink import Ink, Row
from ws76proxy.console.page import Page, session_span, time_span
from ws76proxy.console.text import escape_head, neutral
from ws76proxy.diagnosis import CATALOGUE
from ws76proxy.diagnosis.model import Severity
from ws76proxy.record import FindingRecord

__all__ = ["finding_row", "put_finding", "put_findings"]


def put_findings(
    page: Page, findings: Iterable[FindingRecord], explained: set[str], *, evidence: bool
) -> None:
    """The findings in the order in which they came, those that passed in one line at the end."""
    passed: list[str] = []
    told = 0
    for finding in findings:
        if finding.severity is Severity.GOOD:
            passed.append(finding.code)
            continue
        if told:
            page.blank()
        put_finding(page, finding, explained, evidence=evidence)
        told += 1
    if passed:
        if told:
            page.blank()
        page.listed(f"{page.ink.good} passed", passed, label_style="good")


def put_finding(page: Page, finding: FindingRecord, explained: set[str], *, evidence: bool) -> None:
    """One finding, in short where its code is in `explained`; `evidence`: with its bytes."""
    style = str(finding.severity)
    label = _label(page.ink, finding.severity)
    if finding.severity in (Severity.GOOD, Severity.INFO) or finding.code in explained:
        text = f"{finding.title}: {finding.detail}" if finding.detail else finding.title
        page.text(label, f"{text} ({finding.code})", label_style=style)
    else:
        explained.add(finding.code)
        page.text(label, finding.title, style="strong", label_style=style)
        entry = CATALOGUE.get(finding.code)
        for name, text in (
            ("", finding.detail),
            ("cause", "" if entry is None else entry.cause),
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


def finding_row(ink: Ink, finding: FindingRecord) -> Row:
    """A finding in one line."""
    text = f"{finding.code}: {finding.detail or finding.title}"
    return [
        session_span(finding.session),
        time_span(finding.time),
        (str(finding.severity), f"{_label(ink, finding.severity):<10} "),
        ("", neutral(text)),
    ]


def _label(ink: Ink, severity: Severity) -> str:
    marks = {Severity.GOOD: ink.good, Severity.ERROR: ink.bad, Severity.WARNING: "!"}
    return f"{marks.get(severity, 'i')} {severity}"


def _reference(finding: FindingRecord) -> str:
    section = finding.section
    where = f"section {section}" if section[:1].isdigit() else section
    side = "something between" if finding.side == "between" else finding.side
    return ", ".join(part for part in (finding.code, side, where) if part)
