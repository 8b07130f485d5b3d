"""What every form of a report counts: verdicts, in all and by group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from ws76proxy.diagnosis import Finding
from ws76proxy.probe.model import Report, Result, Verdict

__all__ = ["by_group", "counted", "findings", "in_words", "reasons"]


def counted(results: Iterable[Result]) -> dict[Verdict, int]:
    """How many results there are of each verdict, none left out."""
    counts = Counter(result.verdict for result in results)
    return {verdict: counts[verdict] for verdict in Verdict}


def by_group(report: Report) -> list[tuple[str, list[Result]]]:
    """The results of each group that has any, in order."""
    grouped = groupby(report.results, key=lambda result: result.case.group)
    return [(group, list(results)) for group, results in grouped]


def reasons(results: Iterable[Result]) -> list[tuple[str, list[str]]]:
    """What came, and the names of the cases where it did, for results that share it."""
    found: dict[str, list[str]] = {}
    for result in results:
        found.setdefault(result.judgement.came, []).append(result.case.name)
    return list(found.items())


def findings(report: Report) -> list[tuple[Finding, int]]:
    """The catalogue's findings with the count of the cases that show them, the most first.

    A cause behind many failures stands out here where a single case could have several.
    """
    counts: Counter[Finding] = Counter()
    for result in report.results:
        counts.update({one.finding for one in result.judgement.findings})
    return sorted(counts.items(), key=lambda item: (-item[1], item[0].code))


def in_words(results: Sequence[Result]) -> list[str]:
    """Each verdict that there is with its count: ``["200 ok", "14 non-strict"]``."""
    return [f"{count} {verdict}" for verdict, count in counted(results).items() if count]
