"""What came of a replay as a JUnit report, which CI servers read."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from ws76proxy.diagnosis.escaping import neutral
from ws76proxy.errors import UsageError
from ws76proxy.replay.compare import Rules
from ws76proxy.replay.describe import as_text
from ws76proxy.replay.soak import Summary, Tally

__all__ = ["write_junit"]


def write_junit(path: Path, summary: Summary, rules: Rules) -> None:
    """Write a report with a test case for each session. Raises UsageError where that fails."""
    failed = sum(1 for tally in summary.tallies if tally.failures > tally.unreached)
    errors = sum(1 for tally in summary.tallies if 0 < tally.failures == tally.unreached)
    suite = ElementTree.Element(
        "testsuite",
        name="ws76proxy replay client",
        tests=str(len(summary.tallies)),
        failures=str(failed),
        errors=str(errors),
        time=f"{sum(tally.seconds for tally in summary.tallies):.6f}",
    )
    for tally in summary.tallies:
        _add(suite, tally, rules)
    tree = ElementTree.ElementTree(suite)
    ElementTree.indent(tree)
    try:
        tree.write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def _add(suite: ElementTree.Element, tally: Tally, rules: Rules) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=neutral(tally.plan.session.source),
        name=neutral(f"session {tally.plan.session.number} {tally.plan.target}"),
        time=f"{tally.seconds:.6f}",
    )
    first = tally.first
    if first is None or first.is_equal:
        return
    times = f" ({tally.failures} of {tally.runs} times)" if tally.runs > 1 else ""
    if first.error is not None:
        ElementTree.SubElement(case, "error", message=f"{neutral(first.error)}{times}")
        return
    text = as_text(first.differences, rules)
    message = f"{text.partition(chr(10))[0]}{times}"
    ElementTree.SubElement(case, "failure", message=message).text = text
