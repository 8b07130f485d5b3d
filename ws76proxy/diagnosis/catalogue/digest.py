"""Findings about wrong digests of which the cause is known: one for each hypothesis."""

from __future__ import annotations

from ws76proxy.diagnosis.hypotheses import HYPOTHESES, Hypothesis
from ws76proxy.diagnosis.model import Finding, Severity, Side

__all__ = ["FINDINGS"]


def _finding(bug: Hypothesis) -> Finding:
    return Finding(
        bug.code,
        bug.title,
        Severity.ERROR,
        Side.SERVER,
        bug.consequence or _consequence(bug.shows),
        bug.fix,
        "5.2",
        cause=bug.cause,
        carriers=bug.carriers,
    )


def _consequence(shows: str) -> str:
    if not shows:
        return (
            "Each handshake fails: the client closes at once, and WebKit prints nothing about it."
        )
    return (
        f"The handshake fails where there is {shows}, and works otherwise: the client closes at "
        "once, and WebKit prints nothing about it."
    )


FINDINGS: tuple[Finding, ...] = tuple([_finding(bug) for bug in HYPOTHESES.values()])
