"""A run as a person reads it in a terminal: counts by group, then each case that is not ok."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ws76proxy.console.ink import Ink
from ws76proxy.console.text import neutral, wrap
from ws76proxy.probe.cases import GROUPS
from ws76proxy.probe.model import Case, Report, Result, Verdict
from ws76proxy.probe.report.counting import by_group, counted, findings, reasons

__all__ = ["print_cases", "print_report"]

_STYLES = {
    Verdict.OK: "green",
    Verdict.NON_STRICT: "bold yellow",
    Verdict.FAILED: "bold red",
    Verdict.NOT_APPLICABLE: "dim",
}
_HEADINGS = {
    Verdict.OK: "ok",
    Verdict.NON_STRICT: "non-strict",
    Verdict.FAILED: "failed",
    Verdict.NOT_APPLICABLE: "n/a",
}
_INDENT = 4
_LABEL = 10
_FINDINGS = 10


def print_report(console: Console, report: Report, *, verbose: bool = False) -> None:
    """Print a run. With `verbose` the cases that are ok are listed too."""
    ink = Ink.of(console)
    _print_line(console, Text(_facts(report, ink), "dim"))
    console.print()
    _print_counts(console, report)
    if verbose:
        _print_ok(console, ink, report.with_verdict(Verdict.OK))
    for verdict in (Verdict.FAILED, Verdict.NON_STRICT):
        for result in report.with_verdict(verdict):
            console.print()
            _print_result(console, ink, result)
    skipped = reasons(report.with_verdict(Verdict.NOT_APPLICABLE))
    if skipped:
        console.print()
    for why, names in skipped:
        count = f"{len(names)} not applicable" if len(names) > 1 else names[0]
        _print_line(console, Text.assemble((f"- {count}: ", "dim"), (_shown(ink, why), "dim")))
    _print_findings(console, ink, report)
    console.print()
    _print_totals(console, ink, report)


def print_cases(console: Console, cases: Sequence[Case]) -> None:
    """Print what the cases send and what the draft wants."""
    for case in cases:
        console.print(Text.assemble((case.name, "bold"), "  ", (_origin(case), "dim")))
        _print_labelled(console, "sends", case.sends)
        _print_labelled(console, "wants", case.wants)
    console.print(f"\n{len(cases)} cases", highlight=False)


def _facts(report: Report, ink: Ink) -> str:
    opens = sorted(report.facts.opens, reverse=True)
    spoken = " and ".join(opens) if opens else "neither dialect to its end"
    echoes = "echoes" if report.facts.echoes else "does not echo, or was not asked to"
    return f"{report.url}{ink.between}speaks {spoken}{ink.between}{echoes}"


def _print_counts(console: Console, report: Report) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("group", no_wrap=True)
    for verdict in Verdict:
        table.add_column(_HEADINGS[verdict], justify="right", no_wrap=True)
    table.add_column("about", no_wrap=True, overflow="ellipsis", style="dim")
    for group, results in by_group(report):
        counts = counted(results)
        numbers = [
            Text(str(count) if count else "", _STYLES[verdict]) for verdict, count in counts.items()
        ]
        table.add_row(group, *numbers, GROUPS.get(group, ""))
    console.print(table)


def _print_ok(console: Console, ink: Ink, results: Sequence[Result]) -> None:
    if results:
        console.print()
    for result in results:
        text = Text.assemble(
            (f"{ink.good} ", "green"),
            f"{result.case.name:<32} ",
            (_shown(ink, result.judgement.came), "dim"),
        )
        _print_line(console, text)


def _print_result(console: Console, ink: Ink, result: Result) -> None:
    mark = ink.bad if result.verdict is Verdict.FAILED else "~"
    style = _STYLES[result.verdict]
    heading = Text.assemble(
        (f"{mark} {result.case.name}", style), "  ", (_origin(result.case), "dim")
    )
    _print_line(console, heading)
    _print_labelled(console, "sent", _shown(ink, result.case.sends))
    _print_labelled(console, "wanted", _shown(ink, result.case.wants))
    _print_labelled(console, "came", _shown(ink, result.judgement.came), style)
    for one in result.judgement.findings:
        title = _shown(ink, one.finding.title)
        _print_labelled(console, "finding", f"{one.finding.code}: {title}")


def _print_findings(console: Console, ink: Ink, report: Report) -> None:
    told = [(one, count) for one, count in findings(report) if count > 1]
    if told:
        console.print()
        _print_line(console, Text("what several cases show", "dim"))
    for one, count in told[:_FINDINGS]:
        _print_labelled(console, f"{count} cases", f"{one.code}: {_shown(ink, one.title)}")


def _print_totals(console: Console, ink: Ink, report: Report) -> None:
    text = Text(f"{len(report.results)} cases: ", "bold")
    counts = [(verdict, count) for verdict, count in counted(report.results).items() if count]
    for number, (verdict, count) in enumerate(counts):
        text.append(ink.between if number else "")
        text.append(f"{count} {verdict}", _STYLES[verdict])
    text.append(f"  in {report.seconds:.1f} s", "dim")
    _print_line(console, text)


def _print_labelled(console: Console, label: str, text: str, style: str = "") -> None:
    margin = " " * _INDENT
    for line in wrap(text, console.width - _INDENT - _LABEL):
        row = Text.assemble(margin, (f"{label:<{_LABEL}}", "dim"), (line, style))
        console.print(row, highlight=False, soft_wrap=True)
        label = ""


def _print_line(console: Console, text: Text) -> None:
    console.print(text, highlight=False, soft_wrap=False)


def _origin(case: Case) -> str:
    return f"{case.requirement}, {case.section}"


def _shown(ink: Ink, text: str) -> str:
    """Text of ours and of the server's, fit for this terminal."""
    safe = neutral(text)
    return safe.encode("ascii", "backslashreplace").decode() if ink.ascii_only else safe
