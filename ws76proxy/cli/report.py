"""What `ws76proxy replay` prints: differences, a line for each session or client, a summary."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click
import rich.console
from rich.table import Table

from ws76proxy.console.ink import Ink, Row
from ws76proxy.diagnosis.escaping import neutral
from ws76proxy.replay import Difference, Outcome, Rules, Step, Summary, Visit, as_text, describe
from ws76proxy.replay.soak import Tally

__all__ = ["Report"]

_DIFFERENCES_KEPT = 100


class Report:
    """Prints as results come. With `quiet` nothing but the summary; `single`: each session is
    played once, and gets a line."""

    def __init__(self, rules: Rules, *, all_of_them: bool, quiet: bool, single: bool) -> None:
        self.last_error = ""
        self.deviated = False
        self._rules = rules
        self._all = all_of_them
        self._quiet = quiet
        self._single = single
        self._noted: set[str] = set()
        self._failed: set[int] = set()
        self._console = rich.console.Console(highlight=False, soft_wrap=True)
        self._ink = Ink.of(self._console)

    def played(self, outcome: Outcome) -> None:
        """A session's client has been played."""
        for note in outcome.notes:
            if note not in self._noted:
                self._noted.add(note)
                click.echo(f"note: {neutral(note)}", err=True)
        if outcome.error is not None:
            self.last_error = neutral(outcome.error)
        session = id(outcome.plan)
        if self._quiet or not (self._single or session not in self._failed):
            return
        if outcome.is_equal and not self._single:
            return
        if not outcome.is_equal:
            self._failed.add(session)
        name = f"{outcome.plan.name}, {outcome.plan.target}"
        counts = f"{outcome.sent} sent, {outcome.received} received"
        if outcome.error is not None:
            self._result(False, name, f"no connection: {outcome.error}")
        else:
            self._result(outcome.is_equal, name, counts)
            self._print_all(outcome.differences)

    def visited(self, visit: Visit) -> None:
        """A client has been served."""
        equal = not visit.differences
        self.deviated = self.deviated or not equal
        what = visit.target if visit.plan is None else f"{visit.target}, {visit.plan.name}"
        counts = f"{visit.received} received, {visit.sent} sent"
        self._result(equal, f"client {visit.number} ({visit.client}), {what}", counts)
        self._print_all(visit.differences)

    def summary(self, summary: Summary, *, as_json: bool) -> None:
        """All has been played."""
        if as_json:
            text = json.dumps(self._as_json(summary), ensure_ascii=False)
            click.echo(text.encode("utf-8", "backslashreplace"))
        elif not self._single:
            equal = summary.runs - summary.failures
            reached = f", {summary.unreached} without a connection" if summary.unreached else ""
            text = f"{summary.runs} plays: {equal} equal, {summary.failures} not{reached}"
            self._print([("strong" if not summary.failures else "error", text)])
            self._console.print(_table(summary))

    def _result(self, equal: bool, name: str, rest: str) -> None:
        mark = self._ink.good if equal else self._ink.bad
        verdict = "as recorded" if equal else "different"
        style = "good" if equal else "error"
        text = f" {neutral(name)}: "
        self._print([(style, mark), ("", text), (style, verdict), ("dim", f" ({neutral(rest)})")])

    def _print_all(self, differences: list[Difference]) -> None:
        for difference in differences if self._all else differences[:1]:
            for row in describe(difference, self._rules):
                self._print([("", "  "), *row])

    def _print(self, row: Row) -> None:
        text = self._ink.paint(row)
        encoding = self._console.encoding
        try:
            click.echo(text.encode(encoding, "replace").decode(encoding), color=True)
        except BrokenPipeError:
            # Whoever read our output has gone: the exit status is still to be found out.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _as_json(self, summary: Summary) -> dict[str, Any]:
        return {
            "runs": summary.runs,
            "equal": summary.runs - summary.failures,
            "different": summary.failures - summary.unreached,
            "unreached": summary.unreached,
            "sent": summary.sent,
            "received": summary.received,
            "handshake_seconds": _named(summary.handshakes.count, summary.handshakes.row()),
            "answer_seconds": _named(summary.answers.count, summary.answers.row()),
            "sessions": [self._session_as_json(tally) for tally in summary.tallies],
        }

    def _session_as_json(self, tally: Tally) -> dict[str, Any]:
        first = tally.first
        differences = [] if first is None else first.differences
        return {
            "source": tally.plan.session.source,
            "session": tally.plan.session.number,
            "target": tally.plan.target,
            "runs": tally.runs,
            "failures": tally.failures,
            "unreached": tally.unreached,
            "error": None if first is None else first.error,
            "notes": [] if first is None else first.notes,
            "differences": [
                self._difference_as_json(one) for one in differences[:_DIFFERENCES_KEPT]
            ],
        }

    def _difference_as_json(self, difference: Difference) -> dict[str, Any]:
        return {
            "kind": difference.kind,
            "by": difference.by,
            "where": difference.where,
            "expected": _step(difference.expected),
            "got": _step(difference.got),
            "detail": difference.detail,
            "text": as_text([difference], self._rules),
        }


def _step(step: Step | None) -> dict[str, Any] | None:
    if step is None:
        return None
    shown: dict[str, Any] = {"what": step.what}
    if step.what == "message":
        shown["text"] = step.payload.decode("utf-8", "replace")
    elif step.what == "frame":
        shown["frame_type"] = step.raw[0]
        shown["size"] = step.size
    return shown


_COLUMNS = ("min", "p50", "p95", "p99", "max")


def _named(count: int, row: list[float | None]) -> dict[str, float | int | None]:
    return {"count": count, **dict(zip(_COLUMNS, row, strict=True))}


def _table(summary: Summary) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("latency in ms")
    for name in ("count", *_COLUMNS):
        table.add_column(name, justify="right")
    for label, latencies in (("handshake", summary.handshakes), ("answer", summary.answers)):
        row = ["-" if value is None else f"{value * 1000:.3f}" for value in latencies.row()]
        table.add_row(label, str(latencies.count), *row)
    return table
