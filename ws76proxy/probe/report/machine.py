"""A run as JSON: everything that is known of each case, the first bytes of both directions too."""

from __future__ import annotations

import msgspec

from ws76proxy import __version__
from ws76proxy.probe.model import Report, Result
from ws76proxy.probe.report.counting import counted

__all__ = ["FORMAT", "CaseReport", "RunReport", "as_json"]

FORMAT = 1
"""Raised when a field changes its meaning or goes away."""


class CaseReport(msgspec.Struct, frozen=True, kw_only=True):
    """One case. `sent` and `received` are hexadecimal, of the first 4,096 bytes; `findings` are
    codes of the catalogue."""

    name: str
    sends: str
    wants: str
    section: str
    requirement: str
    verdict: str
    came: str
    findings: list[str]
    sent: str
    received: str
    seconds: float


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """A run. `passed`: no case failed, and with `strict` none was non-strict."""

    format: int
    generator: str
    server: str
    name: str
    opens: list[str]
    echoes: list[str]
    strict: bool
    passed: bool
    seconds: float
    totals: dict[str, int]
    cases: list[CaseReport]


def as_json(report: Report, *, name: str, strict: bool) -> bytes:
    """The run as one JSON document, in UTF-8 with a line end; `name` is what the server is
    called."""
    document = RunReport(
        format=FORMAT,
        generator=f"ws76proxy {__version__}",
        server=report.url,
        name=name,
        opens=sorted(report.facts.opens),
        echoes=sorted(report.facts.echoes),
        strict=strict,
        passed=report.passed(strict=strict),
        seconds=round(report.seconds, 3),
        totals={str(verdict): count for verdict, count in counted(report.results).items()},
        cases=[_case(result) for result in report.results],
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _case(result: Result) -> CaseReport:
    case, judgement = result.case, result.judgement
    return CaseReport(
        name=case.name,
        sends=case.sends,
        wants=case.wants,
        section=case.section,
        requirement=str(case.requirement),
        verdict=str(judgement.verdict),
        came=judgement.came,
        findings=[one.finding.code for one in judgement.findings],
        sent=result.sent.hex(),
        received=result.received.hex(),
        seconds=round(result.seconds, 3),
    )
