"""`ws76proxy rules try`: what rules would change in recorded sessions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ws76proxy.cli.selecting import sessions_option
from ws76proxy.rules import RuleSet, parse_rewrite

if TYPE_CHECKING:
    from ws76proxy.cli.trials import Tally, TrialSink
    from ws76proxy.recording import Complain, RecordedSession

__all__ = ["try_command"]

_RULES = ".toml"


@click.command("try")
@click.argument(
    "files",
    metavar="FILE... RECORDING...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
)
@click.option(
    "--rewrite",
    "rewrites",
    multiple=True,
    metavar="/[SIDE/]REGEX/TEXT",
    help="A rule more, as of the relay. Repeatable; behind all rules of files.",
)
@sessions_option
@click.option("--json", "as_json", is_flag=True, help="Print records as JSON Lines, and a summary.")
@click.option(
    "--show-secrets", is_flag=True, help="Print cookies and authorization where they are recorded."
)
@click.option(
    "--no-pager", is_flag=True, help="Do not use $PAGER for what is longer than a screen."
)
def try_command(
    files: tuple[Path, ...],
    rewrites: tuple[str, ...],
    numbers: tuple[int, ...],
    as_json: bool,
    show_secrets: bool,
    no_pager: bool,
) -> int:
    """Show what the rules in each FILE (*.toml) would change in recorded sessions, as a diff.

    A RECORDING is all that `ws76proxy show` reads; a folder stands for the recordings in it. The
    rules are asked again, at the recorded times, in memory: nothing is sent anywhere. At the end
    stands how much would change, which rule acted how often, and which never did.

    The exit status is 0, whatever would change, and 2 where a file cannot be read.
    """
    rule_files = [path for path in files if path.suffix.lower() == _RULES]
    recordings = [path for path in files if path.suffix.lower() != _RULES]
    if not rule_files and not rewrites:
        raise click.UsageError(f"found no rules; expected a rule file (*{_RULES}), or --rewrite")
    if not recordings:
        raise click.UsageError("found no recording behind the rules; expected at least one")
    # What only checks rules needs none of these.
    from ws76proxy.cli.complaints import Complaints
    from ws76proxy.cli.paging import print_all
    from ws76proxy.cli.progress import ReadingProgress
    from ws76proxy.cli.trials import DiffSink, JsonSink, Tally
    from ws76proxy.editing import RuleFiles
    from ws76proxy.recording.gathering import gather
    from ws76proxy.recording.sources import files_of, read_all

    rules = RuleFiles(rule_files, behind=[*map(parse_rewrite, rewrites)]).current
    names = ", ".join([*map(str, rule_files), *rewrites])
    sink: TrialSink
    if as_json:
        sink = JsonSink(show_secrets=show_secrets)
    else:
        sink = DiffSink(names, show_secrets=show_secrets)
    tally = Tally(rule.name for rule in (*rules.requests, *rules.responses, *rules.messages))
    complaints = Complaints()
    paths = files_of(recordings, complaints)
    progress = ReadingProgress(paths)
    complaints.before = progress.hide
    sessions = gather(read_all(paths, complaints, progress), complaints)
    wanted = (one for one in sessions if not numbers or one.number in numbers)
    try:
        print_all(
            _texts(rules, wanted, sink, tally, complaints),
            sink.encoding,
            pager=not (no_pager or as_json),
            before=progress.end,
        )
    finally:
        progress.end()
    complaints.finish()
    return 2 if complaints else 0


def _texts(
    rules: RuleSet,
    sessions: Iterator[RecordedSession],
    sink: TrialSink,
    tally: Tally,
    complain: Complain,
) -> Iterator[str]:
    from ws76proxy.errors import RecordingError
    from ws76proxy.replay.dry_run import try_rules

    for session in sessions:
        try:
            trial = try_rules(rules, session)
        except RecordingError as error:
            complain(str(error))
            continue
        if not trial.heads:
            # Nobody asked for a WebSocket.
            continue
        tally.add(trial)
        if text := sink.tell(trial):
            yield text
    yield sink.finish(tally)
