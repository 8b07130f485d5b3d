"""The command that shows recordings as the relay would have printed them."""

from __future__ import annotations

import difflib
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from ws76proxy.cli.complaints import Complaints
from ws76proxy.cli.paging import Reader, print_all
from ws76proxy.cli.progress import ReadingProgress
from ws76proxy.cli.selecting import sessions_option
from ws76proxy.cli.sinks import JsonSink, ScreenSink, Sink, TableSink
from ws76proxy.console import Level
from ws76proxy.diagnosis import CATALOGUE
from ws76proxy.errors import RecordingError, UsageError
from ws76proxy.patterns import Glob, Regex
from ws76proxy.record import Peer
from ws76proxy.recording.filters import RecordFilter, SessionFilter, Sieve
from ws76proxy.recording.follow import Follower
from ws76proxy.recording.sources import Told, files_of, read_all

__all__ = ["command"]

_AT_ONCE = 200
_INTERVAL = 0.2


class _Regex(click.ParamType[Regex]):
    name = "regex"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Regex:
        if isinstance(value, Regex):
            return value
        try:
            return Regex(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


@click.command("show")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--direction",
    type=click.Choice(["client", "server"]),
    help="Of messages and frames, only what this side sent.",
)
@click.option(
    "--grep",
    type=_Regex(),
    metavar="REGEX",
    help="Only text messages in which REGEX (of RE2, as in (?i)price) matches, and nothing else.",
)
@click.option(
    "--path",
    metavar="PATTERN",
    help="Only sessions whose resource, with or without its query, matches; with * and ?.",
)
@click.option(
    "--origin", metavar="PATTERN", help="Only sessions whose Origin matches; with * and ?."
)
@click.option(
    "--finding",
    "findings",
    multiple=True,
    metavar="CODE",
    help="Only sessions with this finding. Repeatable: with one of them; * and ? match.",
)
@sessions_option
@click.option(
    "--failed", is_flag=True, help="Only sessions whose opening handshake failed or was refused."
)
@click.option("--summary", is_flag=True, help="Print one line for each session.")
@click.option(
    "-f", "--follow", is_flag=True, help="Go on as the files, or the folder, grow; until Ctrl-C."
)
@click.option("-q", "--quiet", is_flag=True, help="Print only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Print raw bytes too.")
@click.option("--json", "as_json", is_flag=True, help="Print records as JSON Lines.")
@click.option(
    "--show-secrets", is_flag=True, help="Print cookies and authorization where they are recorded."
)
@click.option(
    "--no-pager", is_flag=True, help="Do not use $PAGER for what is longer than a screen."
)
def command(
    files: tuple[Path, ...],
    direction: Peer | None,
    grep: Regex | None,
    path: str | None,
    origin: str | None,
    findings: tuple[str, ...],
    numbers: tuple[int, ...],
    failed: bool,
    summary: bool,
    follow: bool,
    quiet: bool,
    verbose: bool,
    as_json: bool,
    show_secrets: bool,
    no_pager: bool,
) -> int:
    """Show recordings as the relay would have printed them.

    A FILE is a recording of ours, a HAR, mitmproxy flows, or a capture (pcap, pcapng); its content
    says which. A folder stands for the recordings in it. What is wrong with a file is said on
    standard error, the rest of it is shown, and the exit status is 2.
    """
    if quiet and verbose:
        raise click.UsageError("found both -q and -v; expected one of them")
    if summary and (as_json or quiet or verbose):
        other = "--json" if as_json else "-q" if quiet else "-v"
        raise click.UsageError(f"found both --summary and {other}; expected one of them")
    for code in findings:
        _check_code(code)
    records = RecordFilter(direction=direction, grep=grep)
    sessions = SessionFilter(
        numbers=frozenset(numbers),
        path=None if path is None else Glob(path),
        origin=None if origin is None else Glob(origin, ignore_case=True),
        findings=tuple(map(Glob, findings)),
        failed=failed,
        said=records if summary else None,
    )
    sink: Sink
    sieve: Sieve | None = Sieve(sessions, records)
    if summary:
        # A line is made without the records: there is nothing to hold back.
        sink, sieve = TableSink(sessions.criteria(), show_secrets=show_secrets), None
    elif as_json:
        sink = JsonSink(show_secrets=show_secrets)
    else:
        level: Level = "quiet" if quiet else "verbose" if verbose else "normal"
        named = len(files) > 1 or files[0].is_dir()
        sink = ScreenSink(level=level, show_secrets=show_secrets, named=named)
    complaints = Complaints()
    if follow:
        told = _followed(files, complaints, sink)
        print_all(_texts(told, sieve, sink), sink.encoding)
    else:
        paths = files_of(files, complaints)
        progress = ReadingProgress(paths)
        complaints.before = progress.hide
        if sys.stdout.isatty() and not no_pager:
            # They would be under what the pager shows.
            complaints.hold()
        texts = _texts(read_all(paths, complaints, progress), sieve, sink)
        try:
            print_all(texts, sink.encoding, pager=not no_pager, before=progress.end)
        finally:
            progress.end()
    complaints.finish()
    return 2 if complaints else 0


def _check_code(code: str) -> None:
    """Refuse what can only be a slip, and would find nothing in silence."""
    if code in CATALOGUE or "*" in code or "?" in code:
        return
    near = difflib.get_close_matches(code, CATALOGUE, 1)
    hint = f"such as {near[0]}" if near else "as in the page of all findings"
    raise click.UsageError(
        f"--finding: found {code!r}; expected a finding's code, {hint} (or {code}* for one that"
        " only a later version knows)"
    )


def _texts(stream: Iterator[Told | None], sieve: Sieve | None, sink: Sink) -> Iterator[str]:
    """What is to be printed, in pieces; a None in the stream: print what there is."""
    count = 0
    for told in stream:
        if told is not None:
            count += 1
            if sieve is None:
                sink.tell(told)
            else:
                for wanted in sieve.take(told):
                    sink.tell(wanted)
        if (told is None or count % _AT_ONCE == 0) and (text := sink.take()):
            yield text
    sink.finish()
    if text := sink.take():
        yield text


def _followed(paths: Iterable[Path], complaints: Complaints, sink: Sink) -> Iterator[Told | None]:
    """What is in the files and what comes, until Ctrl-C, or until nobody reads any more."""
    stopped = _until_interrupted()
    followers: list[Follower] = []
    for path in paths:
        try:
            followers.append(Follower(path, complaints))
        except RecordingError as error:
            complaints(str(error))
    reader = Reader()
    while followers and not stopped.is_set():
        came = False
        for follower in [*followers]:
            try:
                for told in follower.poll():
                    came = True
                    yield told
                    if stopped.is_set():
                        return
            except RecordingError as error:
                complaints(str(error))
                followers.remove(follower)
        if not came:
            # What belongs together is written together: no more comes of it for now.
            sink.settle()
        yield None
        if not came and not reader.waits(_INTERVAL):
            return


def _until_interrupted() -> threading.Event:
    """An event that Ctrl-C and SIGTERM set; a second one ends the process at once."""
    stopped = threading.Event()

    def stop(*_: object) -> None:
        stopped.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopped
