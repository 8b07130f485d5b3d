"""`ws76proxy probe`: try a server with many handshakes, right and wrong, and judge its answers."""

from __future__ import annotations

import contextlib
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ws76proxy.cli.serving import run
from ws76proxy.cli.types import FIELD, ORIGIN, PROTOCOL, TIMEOUT, URL
from ws76proxy.endpoint import Endpoint
from ws76proxy.errors import UsageError
from ws76proxy.probe import (
    Case,
    Report,
    Result,
    RunOptions,
    Target,
    UnreachableError,
    Verdict,
    choose,
    probe,
)
from ws76proxy.probe.report import as_json, as_junit, as_markdown, print_cases, print_report
from ws76proxy.relay.tls import upstream_context

__all__ = ["command"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUTPUT = click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path)
_STDOUT = Path("-")
_WARNING = "for servers of your own only: what is sent has brought servers down"


@click.command("probe", short_help="Judge a server of your own by what it answers.")
@click.argument("url", type=URL, required=False)
@click.option(
    "--only", multiple=True, metavar="GLOB", help="Try these cases only. Repeatable; * and ? match."
)
@click.option("--skip", multiple=True, metavar="GLOB", help="Leave these out. Repeatable.")
@click.option("--list", "list_cases", is_flag=True, help="Print the cases, and connect to nothing.")
@click.option(
    "--strict", is_flag=True, help="A case that is non-strict makes the exit status 1 too."
)
@click.option("--no-echo", is_flag=True, help="The server does not echo: leave out what needs it.")
@click.option("--origin", type=ORIGIN, help="The Origin to send.  [default: the server's own]")
@click.option("--protocol", type=PROTOCOL, help="The subprotocol to ask for.  [default: none]")
@click.option(
    "--header",
    "headers",
    type=FIELD,
    multiple=True,
    help="A field for every request, such as a Cookie. Repeatable.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, 1000, min_open=True),
    default=20.0,
    show_default=True,
    help="Open at most so many connections in a second.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Have so many open at once; more than 1 only for servers that serve clients in parallel.",
)
@click.option(
    "--timeout",
    type=TIMEOUT,
    default=5.0,
    show_default=True,
    help="The longest wait for anything.",
)
@click.option("--ca-file", type=_FILE, help="Trust these authorities for a wss server.")
@click.option("--insecure", is_flag=True, help="Do not verify a wss server's certificate.")
@click.option("--name", help="What to call the server in reports.  [default: its URL]")
@click.option(
    "--json",
    "json_file",
    type=_OUTPUT,
    help="Write everything as JSON; - is standard output, in place of the text.",
)
@click.option("--junit", "junit_file", type=_OUTPUT, help="Write JUnit XML, for CI servers.")
@click.option("--markdown", "markdown_file", type=_OUTPUT, help="Write a page of Markdown.")
@click.option(
    "--show-secrets", is_flag=True, help="Keep the values of --header, and cookies, in the JSON."
)
@click.option("-v", "--verbose", is_flag=True, help="Print the cases that are ok too.")
def command(
    url: tuple[Endpoint, str] | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    list_cases: bool,
    strict: bool,
    no_echo: bool,
    origin: str | None,
    protocol: str | None,
    headers: tuple[tuple[str, str], ...],
    rate: float,
    concurrency: int,
    timeout: float,
    ca_file: Path | None,
    insecure: bool,
    name: str | None,
    json_file: Path | None,
    junit_file: Path | None,
    markdown_file: Path | None,
    show_secrets: bool,
    verbose: bool,
) -> int:
    """Try the server at URL (ws://HOST[:PORT][/PATH] or wss://…) with right and wrong handshakes.

    Probe only servers that are your own: it opens some 200 connections, sends what no browser
    would, and has been seen to bring servers down.

    Each case says what it sends, what the draft wants and what came. A server that echoes text
    messages is judged by its frames too. Exit status: 0 when no case failed, 1 when one did,
    2 when there is no such server or the command line is wrong.
    """
    cases = choose(only, skip)
    if list_cases:
        print_cases(rich.console.Console(), cases)
        return 0
    if url is None:
        raise click.UsageError("found no URL; expected ws://HOST[:PORT][/PATH], or --list")
    endpoint, resource = url
    target = Target(endpoint, resource, origin, protocol, headers)
    options = RunOptions(
        timeout=timeout,
        rate=rate,
        concurrency=concurrency,
        echo=not no_echo,
        context=_tls(endpoint, ca_file, insecure),
        show_secrets=show_secrets,
    )
    outputs = [file for file in (json_file, junit_file, markdown_file) if file is not None]
    if len(set(outputs)) < len(outputs):
        raise click.UsageError("found one file for two reports; expected a file for each")
    report = _probe(target, cases, options)
    called = name or report.url
    writers: list[tuple[Path | None, Callable[[], bytes]]] = [
        (json_file, lambda: as_json(report, name=called, strict=strict)),
        (junit_file, lambda: as_junit(report, name=called, strict=strict)),
        (markdown_file, lambda: as_markdown(report, name=called).encode()),
    ]
    for file, content in writers:
        if file is not None:
            _write(file, content())
    if _STDOUT not in outputs:
        print_report(rich.console.Console(), report, verbose=verbose)
    if len(report.with_verdict(Verdict.NOT_APPLICABLE)) == len(report.results):
        raise UsageError(
            f"{report.url}: no case could be tried: {report.results[0].judgement.came}"
        )
    return 0 if report.passed(strict=strict) else 1


def _probe(target: Target, cases: Sequence[Case], options: RunOptions) -> Report:
    screen = rich.console.Console(stderr=True, highlight=False)
    # In a log a line stays a line; a terminal breaks it between words.
    whole = not screen.is_terminal
    what = (
        f"probing {target.url}: {len(cases)} cases, at most {options.rate:g} connections a second"
    )
    screen.print(what, markup=False, soft_wrap=whole)
    screen.print(_WARNING, style="yellow", soft_wrap=whole)
    found: list[Report] = []

    async def work(told: Callable[[Result], None]) -> None:
        found.append(await probe(target, cases, options, told))

    try:
        with _progress(screen, len(cases)) as told:
            run(work(told))
    except UnreachableError as error:
        raise UsageError(str(error)) from None
    return found[0]


@contextlib.contextmanager
def _progress(screen: rich.console.Console, total: int) -> Iterator[Callable[[Result], None]]:
    """A bar on a terminal, and nothing elsewhere; what each result is told to."""
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed", style="bold red"),
        TextColumn("{task.fields[last]}", style="dim", markup=False),
    )
    verdicts: dict[str, Verdict] = {}
    with Progress(
        *columns, console=screen, transient=True, disable=not screen.is_terminal
    ) as progress:
        task = progress.add_task("", total=total, failed=0, last="")

        def tell(result: Result) -> None:
            verdicts[result.case.name] = result.verdict
            failed = sum(verdict is Verdict.FAILED for verdict in verdicts.values())
            progress.update(task, completed=len(verdicts), failed=failed, last=result.case.name)

        yield tell


def _tls(endpoint: Endpoint, ca_file: Path | None, insecure: bool) -> ssl.SSLContext | None:
    if insecure and ca_file is not None:
        raise click.UsageError("found both --insecure and --ca-file; expected one of them")
    if endpoint.secure:
        return upstream_context(ca_file, insecure=insecure, legacy=False)
    if insecure or ca_file is not None:
        option = "--insecure" if insecure else "--ca-file"
        raise click.UsageError(f"found {option} with {endpoint}; expected a wss:// URL")
    return None


def _write(file: Path, content: bytes) -> None:
    if file == _STDOUT:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{file}: the report cannot be written: {error.strerror}") from None
