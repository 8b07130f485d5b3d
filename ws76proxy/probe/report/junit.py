"""A run as JUnit XML, which CI servers show: a suite a group, a test a case."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from ws76proxy.console.text import neutral
from ws76proxy.probe.model import Report, Result, Verdict
from ws76proxy.probe.report.counting import by_group, counted

__all__ = ["as_junit"]


def as_junit(report: Report, *, name: str, strict: bool) -> bytes:
    """The run in UTF-8; with `strict` a non-strict case is a failure too."""
    root = ElementTree.Element("testsuites", _counts(report.results, strict))
    root.set("name", neutral(f"ws76proxy probe {name}"))
    for group, results in by_group(report):
        suite = ElementTree.SubElement(root, "testsuite", _counts(results, strict))
        suite.set("name", group)
        for result in results:
            _add(suite, result, strict)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _counts(results: Sequence[Result], strict: bool) -> dict[str, str]:
    counts = counted(results)
    failures = counts[Verdict.FAILED] + (counts[Verdict.NON_STRICT] if strict else 0)
    return {
        "tests": str(len(results)),
        "failures": str(failures),
        "errors": "0",
        "skipped": str(counts[Verdict.NOT_APPLICABLE]),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _add(suite: ElementTree.Element, result: Result, strict: bool) -> None:
    case, judgement = result.case, result.judgement
    test = ElementTree.SubElement(
        suite,
        "testcase",
        classname=case.group,
        name=case.name.rpartition(".")[2],
        time=f"{result.seconds:.3f}",
    )
    came = neutral(judgement.came)
    story = neutral(
        f"The probe sends {case.sends}. The draft wants {case.wants}"
        f" ({case.requirement}, {case.section}). What came: {judgement.came}."
    )
    if judgement.verdict is Verdict.NOT_APPLICABLE:
        ElementTree.SubElement(test, "skipped", message=came)
    elif judgement.verdict is Verdict.FAILED or (
        strict and judgement.verdict is Verdict.NON_STRICT
    ):
        failure = ElementTree.SubElement(test, "failure", type=str(judgement.verdict), message=came)
        failure.text = story
    elif judgement.verdict is Verdict.NON_STRICT:
        ElementTree.SubElement(test, "system-out").text = f"non-strict. {story}"
