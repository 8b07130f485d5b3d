"""The command `python -m benchmarks`: builds, measures, and prints the table."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console

from benchmarks import machine, report, runner
from benchmarks.build import BuildError, build
from benchmarks.relays import RELAYS, Relay
from benchmarks.works import TEXTS, WORKS, Work

DESCRIPTORS = 8192
"""Enough for 1,100 connections through a relay, which has two ends of each."""


def _names(known: Mapping[str, object], option: str, text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise click.UsageError(f"{option}: '{name}' is none of {', '.join(known)}")
    if not names:
        raise click.UsageError(f"{option}: expected some of {', '.join(known)}")
    return list(dict.fromkeys(names))


def _writable(option: str, path: Path | None) -> None:
    """Fail before the measuring, not after it."""
    if path is None:
        return
    try:
        path.touch()
    except OSError as error:
        raise click.UsageError(f"{option}: cannot write {path}: {error.strerror}") from error


def _allow_connections() -> None:
    """Raise the limit on descriptors, which the relays inherit."""
    import resource  # not on Windows, where this line is not reached

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _progress(number: int, relay: Relay, work: Work, outcome: str) -> None:
    print(f"round {number + 1}  {work.name:4}{relay.name:34}{outcome}", file=sys.stderr)


@click.command()
@click.option("--works", default=",".join(WORKS), help="Of " + ", ".join(WORKS) + ".")
@click.option("--relays", help="Of " + ", ".join(RELAYS) + ".")
@click.option("--rounds", default=3, type=click.IntRange(1, 100), help="The table has medians.")
@click.option("--seconds", default=2.0, type=click.FloatRange(0.01, 600), help="Of each run.")
@click.option(
    "--cpus",
    default="one",
    type=click.Choice(["one", "split", "free"]),
    help="All processes on one CPU, the relay alone on another one, or as the kernel likes.",
)
@click.option(
    "--text",
    default="astral",
    type=click.Choice(list(TEXTS)),
    help="Messages of characters with UTF-8 of at most one, three or four bytes.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write JSON.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Also write Markdown.")
def main(
    works: str,
    relays: str | None,
    rounds: int,
    seconds: float,
    cpus: str,
    text: str,
    json_file: Path | None,
    markdown: Path | None,
) -> int:
    """Measure the relay beside others, all in one interleaved run.

    Exits with status 1 when a relay failed in a work.
    """
    if sys.platform != "linux":
        raise click.UsageError("the load generator needs Linux (epoll)")
    chosen_works = [WORKS[name] for name in _names(WORKS, "--works", works)]
    default = ",".join(name for name, relay in RELAYS.items() if relay.default)
    wanted = [RELAYS[name] for name in _names(RELAYS, "--relays", relays or default)]
    _writable("--json", json_file)
    _writable("--markdown", markdown)
    if cpus == "split" and len(os.sched_getaffinity(0)) < 2:
        raise click.UsageError("--cpus split: expected two CPUs, there is one")
    _allow_connections()
    try:
        programs = build()
    except BuildError as error:
        raise click.ClickException(str(error)) from error
    missing = {relay.name: what for relay in wanted if (what := relay.missing()) is not None}
    present = [relay for relay in wanted if relay.name not in missing]
    options = runner.Options(programs, runner.placement(cpus), seconds, text)
    facts = report.Report(
        machine=machine.describe(),
        settings={
            "each run": f"{seconds:g} s, medians of {rounds} interleaved rounds",
            "CPUs used": {
                "one": "one for all processes",
                "split": "one for the relay, one for the load generator and the server",
                "free": "left to the kernel",
            }[cpus],
            "payload": TEXTS[text],
        },
        relays=present,
        missing=missing,
        works=chosen_works,
        results=runner.run(present, chosen_works, rounds, options, _progress),
    )
    Console().print(report.as_rich(facts))
    if json_file is not None:
        json_file.write_text(json.dumps(report.as_json(facts), indent=1) + "\n", encoding="utf-8")
    if markdown is not None:
        markdown.write_text(report.as_markdown(facts), encoding="utf-8")
    for failure in facts.failures():
        print(f"benchmarks: {failure}", file=sys.stderr)
    return 1 if facts.failures() else 0


def run() -> int:
    """The exit status; a usage error is one line, as everywhere in this project."""
    # So that a terminated run stops what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        status: int = main.main(standalone_mode=False)
    except click.ClickException as error:
        print(f"benchmarks: {error.format_message()}", file=sys.stderr)
        return error.exit_code
    except click.Abort:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(run())
