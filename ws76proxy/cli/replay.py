"""`ws76proxy replay`: play the client or the server of a recorded session, and compare."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import click

from ws76proxy.cli.complaints import Complaints
from ws76proxy.cli.report import Report
from ws76proxy.cli.serving import raise_file_limit, run, until_stopped
from ws76proxy.cli.types import ADDRESS, SIZE, TIMEOUT, UPSTREAM
from ws76proxy.diagnosis.escaping import neutral
from ws76proxy.endpoint import Endpoint, in_text
from ws76proxy.errors import UsageError
from ws76proxy.recording import RecordedSession, read_sessions
from ws76proxy.relay.tls import listener_context, upstream_context
from ws76proxy.replay import (
    ClientOptions,
    Plan,
    ReplayServer,
    Rules,
    ServerOptions,
    Summary,
    Timing,
    parse_header,
    parse_timing,
    plan_of,
    soak,
)
from ws76proxy.replay.heads import answer_notes
from ws76proxy.replay.imitation import answer_with, recorded_bug
from ws76proxy.replay.junit import write_junit
from ws76proxy.wire import Dialect
from ws76proxy.words import in_words

__all__ = ["command"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_RECORDING = click.Path(exists=True, path_type=Path)


class _Timing(click.ParamType[Timing]):
    name = "lockstep|original|fast|xN"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Timing:
        if isinstance(value, Timing):
            return value
        try:
            return parse_timing(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


_SHARED = (
    click.option(
        "--session", "number", type=click.IntRange(1), help="Only the session of this number."
    ),
    click.option(
        "--timing",
        type=_Timing(),
        default="lockstep",
        show_default=True,
        help="When recorded messages are sent: when those before them have come; as far apart as in"
        " the recording; at once; or N times as fast as recorded.",
    ),
    click.option(
        "--timeout",
        type=TIMEOUT,
        default=10.0,
        show_default=True,
        help="How much longer than in the recording the other side may take for each step.",
    ),
    click.option(
        "--ignore",
        multiple=True,
        metavar="REGEX",
        help="Cut what matches out of both messages before they are compared. Repeatable.",
    ),
    click.option(
        "--json-ignore",
        multiple=True,
        metavar="PATH",
        help="Compare JSON as JSON, without what stands at this path, such as time or items[*].id."
        " Repeatable.",
    ),
    click.option("--count-only", is_flag=True, help="Count messages; do not look into them."),
    click.option(
        "--max-message",
        type=SIZE,
        default="64MiB",
        show_default=True,
        help="Of larger messages only size and beginning are compared.",
    ),
    click.option(
        "--loop",
        "loop_name",
        type=click.Choice(["auto", "asyncio", "uvloop"]),
        default="auto",
        show_default=True,
        help="The event loop: auto is uvloop where it is installed.",
    ),
)


def _shared(function: Callable[..., None]) -> Callable[..., None]:
    """The options of both commands."""
    for option in reversed(_SHARED):
        function = option(function)
    return function


@click.group("replay")
def command() -> None:
    """Play a recorded session again: its client, or its server.

    FILE is a recording of any format that `ws76proxy show` reads, or a folder of them.
    """


@command.command("client")
@click.argument("recording", metavar="FILE", type=_RECORDING)
@click.argument("server", type=UPSTREAM)
@_shared
@click.option("--ca-file", type=_FILE, help="Trust these authorities for a wss server.")
@click.option("--insecure", is_flag=True, help="Do not verify a wss server's certificate.")
@click.option(
    "--legacy-tls", is_flag=True, help="Speak TLS 1.0 and 1.1 and old ciphers too. Unsafe."
)
@click.option(
    "--dialect",
    type=click.Choice(["hixie-76", "hixie-75"]),
    help="Speak this one, whatever was recorded.",
)
@click.option("--resource", help="Ask for this path and query instead of the recorded one.")
@click.option(
    "--header",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="Send this field instead of the recorded one; 'NAME:' leaves it out. Repeatable.",
)
@click.option(
    "--ignore-field",
    multiple=True,
    metavar="NAME",
    help="Do not compare this field of the server's answer. Repeatable.",
)
@click.option("--all", "go_on", is_flag=True, help="Go on after the first difference; print all.")
@click.option("--times", type=click.IntRange(1), default=1, help="Play each session so often.")
@click.option("--concurrency", type=click.IntRange(1, 10_000), default=1, help="So many at a time.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write a report.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
def client_command(
    recording: Path,
    server: Endpoint,
    number: int | None,
    timing: Timing,
    timeout: float,
    ignore: tuple[str, ...],
    json_ignore: tuple[str, ...],
    count_only: bool,
    max_message: int,
    loop_name: Literal["auto", "asyncio", "uvloop"],
    ca_file: Path | None,
    insecure: bool,
    legacy_tls: bool,
    dialect: str | None,
    resource: str | None,
    header: tuple[str, ...],
    ignore_field: tuple[str, ...],
    go_on: bool,
    times: int,
    concurrency: int,
    junit: Path | None,
    as_json: bool,
) -> None:
    """Play the client of the sessions in FILE against SERVER (ws://HOST:PORT or wss://HOST:PORT).

    Each session gets a fresh opening handshake and a connection of its own; what the server says is
    compared with what the recorded one said. Exit status 0: all the same; 1: something differs;
    2: nothing could be compared.
    """
    if not server.secure and (ca_file is not None or insecure or legacy_tls):
        raise click.UsageError(f"found an option for TLS with {server}; expected a wss:// server")
    if resource is not None:
        _check_resource(resource)
    rules = Rules.of(ignore=ignore, json_ignore=json_ignore, count_only=count_only)
    options = ClientOptions(
        server=server,
        tls=upstream_context(ca_file, insecure=insecure, legacy=legacy_tls)
        if server.secure
        else None,
        resource=resource,
        headers=tuple(parse_header(text) for text in header),
        ignore_fields=ignore_field,
        rules=rules,
        timing=timing,
        timeout=timeout,
        go_on=go_on,
        max_message=max_message,
    )
    chosen = None if dialect is None else Dialect(dialect)
    plans = _plans(recording, number, lambda session: plan_of(session, chosen))
    raise_file_limit(2 * concurrency)
    report = Report(rules, all_of_them=go_on, quiet=as_json, single=times == 1)
    done: list[Summary] = []

    async def work() -> None:
        done.append(
            await soak(plans, options, times=times, concurrency=concurrency, tell=report.played)
        )

    run(work(), loop_name)
    (summary,) = done
    if junit is not None:
        write_junit(junit, summary, rules)
    report.summary(summary, as_json=as_json)
    if summary.unreached == summary.runs:
        raise UsageError(f"cannot connect to {server}: {report.last_error}")
    sys.exit(1 if summary.failures else 0)


@command.command("server")
@click.argument("recording", metavar="FILE", type=_RECORDING)
@click.option(
    "--listen",
    type=ADDRESS,
    default="127.0.0.1:8076",
    show_default=True,
    help="Where clients connect. Port 0 picks a free one.",
)
@_shared
@click.option(
    "--bug",
    metavar="CODE",
    help="Answer each challenge as a server with this bug does, such as digest-little-endian, or"
    " two joined by +; 'recorded': as the recorded server did.",
)
@click.option("--loose", is_flag=True, help="Go on with a client that deviates.")
@click.option("--tls-cert", type=_FILE, help="Serve wss with this PEM certificate (chain).")
@click.option("--tls-key", type=_FILE, help="Its key, where that is in a file of its own.")
@click.option(
    "--legacy-tls", is_flag=True, help="Speak TLS 1.0 and 1.1 and old ciphers too. Unsafe."
)
@click.option("--once", is_flag=True, help="End after one client: --clients 1.")
@click.option("--clients", type=click.IntRange(1), help="End after so many clients.")
@click.option(
    "--max-connections",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="More clients at the same time are answered 503.",
)
@click.option(
    "--write-buffer",
    type=SIZE,
    default="256KiB",
    show_default=True,
    help="What may wait for a client that reads slowly before no more is sent.",
)
def server_command(
    recording: Path,
    listen: tuple[str, int],
    number: int | None,
    timing: Timing,
    timeout: float,
    ignore: tuple[str, ...],
    json_ignore: tuple[str, ...],
    count_only: bool,
    max_message: int,
    loop_name: Literal["auto", "asyncio", "uvloop"],
    bug: str | None,
    loose: bool,
    tls_cert: Path | None,
    tls_key: Path | None,
    legacy_tls: bool,
    once: bool,
    clients: int | None,
    max_connections: int,
    write_buffer: int,
) -> None:
    """Play the server of the sessions in FILE for every client that comes.

    A client gets the session whose resource it asks for, with a right answer to its own challenge;
    what it says is compared with what the recorded client said. Exit status 0: all clients did the
    same; 1: one did not.
    """
    if once and clients is not None:
        raise click.UsageError("found both --once and --clients; expected one of them")
    if tls_key is not None and tls_cert is None:
        raise click.UsageError("found --tls-key without --tls-cert; expected both")
    if legacy_tls and tls_cert is None:
        raise click.UsageError("found --legacy-tls without --tls-cert; expected both")
    rules = Rules.of(ignore=ignore, json_ignore=json_ignore, count_only=count_only)
    tls = None if tls_cert is None else listener_context(tls_cert, tls_key, legacy=legacy_tls)
    options = ServerOptions(
        host=listen[0],
        port=listen[1],
        tls=tls,
        loose=loose,
        timing=timing,
        timeout=timeout,
        rules=rules,
        clients=1 if once else clients,
        max_connections=max_connections,
        max_message=max_message,
        write_buffer=write_buffer,
    )
    plans = _plans(recording, number, _server_plan)
    if bug is not None:
        if bug == "recorded":
            bug = recorded_bug(read_sessions([recording], lambda _: None))
            click.echo(f"note: the recorded server's bug: {bug}", err=True)
        options = replace(options, answer=answer_with(bug))
    for plan in plans:
        for note in [*plan.notes, *answer_notes(plan)]:
            click.echo(f"note: {neutral(note)}", err=True)
    report = Report(rules, all_of_them=loose, quiet=False, single=True)
    raise_file_limit(max_connections)
    run(_serve(partial(ReplayServer, plans, options, report.visited), options), loop_name)
    sys.exit(1 if report.deviated else 0)


async def _serve(make_server: Callable[[], ReplayServer], options: ServerOptions) -> None:
    server = make_server()
    try:
        await server.__aenter__()
    except (OSError, UnicodeError) as error:
        where = in_text(options.host, options.port)
        raise click.ClickException(f"cannot listen on {where}: {in_words(error)}") from None
    try:
        async with until_stopped() as stopped:
            for host, port in server.addresses:
                click.echo(
                    f"listening on {Endpoint(options.tls is not None, host, port)}", err=True
                )
            waits = [asyncio.create_task(one.wait()) for one in (stopped, server.finished)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in waits:
                task.cancel()
    finally:
        await server.__aexit__()


def _server_plan(session: RecordedSession) -> Plan:
    # What clients it will have is not known yet; each is played to in its own dialect.
    modern = session.dialect == Dialect.RFC_6455
    return plan_of(session, Dialect.HIXIE_76 if modern else None)


def _plans(
    recording: Path, number: int | None, make: Callable[[RecordedSession], Plan]
) -> list[Plan]:
    """What can be replayed of a recording; what cannot is said, and where that is all, raised."""
    plans: list[Plan] = []
    refusals: list[UsageError] = []
    numbers: set[int] = set()
    complaints = Complaints()
    for session in read_sessions([recording], complaints):
        numbers.add(session.number)
        if number is not None and session.number != number:
            continue
        try:
            plans.append(make(session))
        except UsageError as error:
            refusals.append(error)
    complaints.finish()
    if not plans:
        if len(refusals) == 1:
            raise refusals[0]
        if refusals:
            raise UsageError(
                f"{recording}: none of {len(refusals)} sessions can be replayed;"
                f" the first: {refusals[0]}"
            )
        if number is not None and numbers:
            found = ", ".join(map(str, sorted(numbers)[:20]))
            raise UsageError(f"{recording}: found no session {number}; expected one of {found}")
        raise UsageError(f"{recording}: found no session; expected at least one")
    for refusal in refusals:
        click.echo(f"note: left out: {neutral(str(refusal))}", err=True)
    return plans


def _check_resource(resource: str) -> None:
    fits = resource.startswith("/") and resource.isascii() and resource.isprintable()
    if not fits or " " in resource:
        raise click.UsageError(
            f"--resource {resource!r}: expected a path in ASCII, such as /chat?room=1"
        )
