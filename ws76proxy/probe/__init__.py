"""Probes a server: many hixie handshakes, right and wrong, and a verdict on each answer."""

from ws76proxy.probe.cases import CASES, choose
from ws76proxy.probe.model import Case, Facts, Judgement, Report, Requirement, Result, Verdict
from ws76proxy.probe.runner import RunOptions, UnreachableError, probe
from ws76proxy.probe.target import Target

__all__ = [
    "CASES",
    "Case",
    "Facts",
    "Judgement",
    "Report",
    "Requirement",
    "Result",
    "RunOptions",
    "Target",
    "UnreachableError",
    "Verdict",
    "choose",
    "probe",
]
