"""What was measured as a table: figures, ratios, aims; for the terminal, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from textwrap import shorten
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from benchmarks.aims import Against, Aim
from benchmarks.relays import RELAYS, Relay
from benchmarks.runner import Results
from benchmarks.works import PEAK, WORKS, Work


@dataclass(frozen=True, slots=True)
class Verdict:
    relay: str
    aim: Aim
    value: float | None
    """None when what it needs was not measured."""

    @property
    def met(self) -> bool | None:
        return None if self.value is None else self.aim.met_by(self.value)


@dataclass(frozen=True, slots=True)
class Report:
    """The results of one run, with what is needed to read them."""

    machine: dict[str, str]
    settings: dict[str, str]
    relays: Sequence[Relay]
    missing: dict[str, str]
    """What is not there, by the names of the relays that need it."""
    works: Sequence[Work]
    results: Results

    def figure(self, relay: str, work: str) -> float | None:
        cell = self.results.get((relay, work))
        return None if cell is None else cell.median(WORKS[work].figure)

    def ratio(self, relay: str, work: str, reference: str) -> float | None:
        ours, theirs = self.figure(relay, work), self.figure(reference, work)
        return None if ours is None or not theirs else ours / theirs

    def peak_memory_mib(self, relay: str) -> float | None:
        cells = (cell for (name, _), cell in self.results.items() if name == relay)
        peaks = [peak for cell in cells if (peak := cell.peak_memory_mib()) is not None]
        return max(peaks, default=None)

    def verdicts(self) -> list[Verdict]:
        return [
            Verdict(relay.name, aim, self._value(relay, aim))
            for relay in self.relays
            for aim in relay.aims
        ]

    def _value(self, relay: Relay, aim: Aim) -> float | None:
        if aim.figure == PEAK:
            return self.peak_memory_mib(relay.name)
        if aim.relay is not None:
            ratio = self.ratio(relay.name, aim.figure, aim.relay)
            return 1 / ratio if ratio and WORKS[aim.figure].lower_is_better else ratio
        return self.ratio(relay.name, aim.figure, relay.reference)

    def facts(self) -> dict[str, str]:
        return {**self.machine, **self.settings}

    def failures(self) -> list[str]:
        return [
            f"{relay} failed in {work}: {cell.failure}"
            for (relay, work), cell in self.results.items()
            if cell.failure is not None
        ]

    def header(self) -> list[str]:
        return ["relay", *(f"{work.name} {work.unit}" for work in self.works), "peak MiB"]

    def rows(self) -> Iterable[tuple[Relay, list[str]]]:
        """The cells after the first, of each relay that was asked for, missing ones included."""
        for name, relay in RELAYS.items():
            if name in self.missing:
                yield relay, [f"no {self.missing[name]}"] * (len(self.works) + 1)
            elif relay in self.relays:
                peak = self.peak_memory_mib(name)
                cells = (self._cell(relay, work) for work in self.works)
                yield relay, [*cells, "" if peak is None else f"{peak:.0f}"]

    def _cell(self, relay: Relay, work: Work) -> str:
        failure = self.results[relay.name, work.name].failure
        if failure is not None:
            return f"failed: {failure}"
        value = self.figure(relay.name, work.name)
        if value is None:
            return "no figure"
        ratio = self.ratio(relay.name, work.name, relay.reference)
        return human(value) + ("" if ratio is None else f" ({_short(ratio)})")

    def aim_rows(self) -> Iterable[tuple[Relay, list[str]]]:
        for verdict in self.verdicts():
            aim, value = verdict.aim, verdict.value
            times = " times" if aim.against is Against.RELAY else ""
            yield (
                RELAYS[verdict.relay],
                [
                    aim.figure,
                    aim.named,
                    f"{aim.sense.value} {aim.bound:.3g}{times}",
                    "not measured" if value is None else _short(value) + times,
                    {True: "yes", False: "no", None: "-"}[verdict.met],
                ],
            )


_RATIOS = "In brackets: the ratio to the asyncio pass-through on the same loop"
_AIM_HEADER = ["relay", "work", "against", "aim", "measured", "met"]


def human(value: float) -> str:
    """A figure with the digits that count."""
    if value >= 1e6:
        return f"{_short(value / 1e6)} M"
    if value >= 1e4:
        return f"{_short(value / 1e3)} k"
    return _short(value)


def _short(value: float) -> str:
    if 0 < value < 0.01:
        return "<0.01"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def as_rich(report: Report) -> Group:
    figures = Table(title=_RATIOS, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, name in enumerate(report.header()):
        figures.add_column(name, justify="right" if index else "left", no_wrap=not index)
    for relay, cells in report.rows():
        # The ratio under its figure, the start of a reason: what fits a terminal of 80 characters.
        # Reasons follow in full, one a line.
        short = (shorten(escape(cell), 48, placeholder=" ...") for cell in cells)
        figures.add_row(relay.name, *(cell.replace(" (", "\n(") for cell in short))
    aims = Table(title="Aims", box=SIMPLE_HEAD)
    for name in _AIM_HEADER:
        aims.add_column(name)
    for relay, cells in report.aim_rows():
        aims.add_row(relay.name, *cells, style={"yes": "green", "no": "red"}.get(cells[-1]))
    facts = "\n".join(f"{name}: {value}" for name, value in report.facts().items())
    tables = [table for table in (figures, aims) if table.row_count]
    return Group(escape(facts), *tables)


def as_markdown(report: Report) -> str:
    lines = ["<!-- Written by `python -m benchmarks --markdown`; do not edit. -->", ""]
    lines += ["# One run of the benchmark", ""]
    lines += [f"- {name}: {value}" for name, value in report.facts().items()]
    lines += ["", "## Figures", "", f"{_RATIOS}.", ""]
    lines += _markdown_table(report.header(), report.rows())
    if report.verdicts():
        lines += ["", "## Aims", ""]
        lines += _markdown_table(_AIM_HEADER, report.aim_rows())
    return "\n".join(lines) + "\n"


def _markdown_table(header: Sequence[str], rows: Iterable[tuple[Relay, list[str]]]) -> list[str]:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return [
        line(header),
        line("---" for _ in header),
        *(line([relay.title, *cells]) for relay, cells in rows),
    ]


def as_json(report: Report) -> dict[str, Any]:
    """Everything, each round included."""
    return {
        "machine": report.machine,
        "settings": report.settings,
        "missing": report.missing,
        "results": [
            {"relay": relay, "work": work, **asdict(cell)}
            for (relay, work), cell in report.results.items()
        ],
        "aims": [
            {
                "relay": verdict.relay,
                "figure": verdict.aim.figure,
                "against": verdict.aim.named,
                "sense": verdict.aim.sense.name.lower(),
                "bound": verdict.aim.bound,
                "value": verdict.value,
                "met": verdict.met,
            }
            for verdict in report.verdicts()
        ],
    }
