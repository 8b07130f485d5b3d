"""`ws76proxy relay`: stand between a browser and a server, and say what happens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from ws76proxy.cli.bridging import BridgingOptions, bridging_options
from ws76proxy.cli.control import Control, ControlOptions, control_options
from ws76proxy.cli.editing import editing_options
from ws76proxy.cli.fleet import FleetOptions, fleet_options
from ws76proxy.cli.recording import record_options, recorder_of
from ws76proxy.cli.serving import output, raise_file_limit, run
from ws76proxy.cli.types import ADDRESS, SECONDS, SIZE, TIMEOUT, UPSTREAM
from ws76proxy.cli.workers import Service, serve, shared_output, supervise
from ws76proxy.editing import EditingOptions
from ws76proxy.endpoint import Endpoint
from ws76proxy.fleet.place import place_of_this_process
from ws76proxy.recording.writer import RecordingOptions
from ws76proxy.relay import RelayOptions
from ws76proxy.relay.tls import listener_context, upstream_context
from ws76proxy.session import SessionOptions
from ws76proxy.wire import HeadLimits

__all__ = ["command"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("relay")
@click.argument("upstream", type=UPSTREAM)
@click.option(
    "--listen",
    type=ADDRESS,
    default="127.0.0.1:8076",
    show_default=True,
    help="Where clients connect. Port 0 picks a free one.",
)
@click.option("--tls-cert", type=_FILE, help="Serve wss with this PEM certificate (chain).")
@click.option("--tls-key", type=_FILE, help="Its key, where that is in a file of its own.")
@click.option("--ca-file", type=_FILE, help="Trust these authorities for a wss upstream.")
@click.option("--insecure", is_flag=True, help="Do not verify a wss upstream's certificate.")
@click.option(
    "--legacy-tls",
    is_flag=True,
    help="Speak TLS 1.0 and 1.1 and old ciphers too, on both sides, for old devices. Unsafe.",
)
@click.option(
    "--challenge",
    type=click.Choice(["forward", "own"]),
    default="forward",
    show_default=True,
    help="Pass the client's keys on, or ask the server a challenge of our own.",
)
@click.option(
    "--host",
    type=click.Choice(["upstream", "keep"]),
    default="upstream",
    show_default=True,
    help="The Host that the server gets: its own address, or what the client sent.",
)
@click.option("--repair", is_flag=True, help="Correct a wrong answer on its way to the client.")
@click.option(
    "--allow-origin",
    multiple=True,
    metavar="PATTERN",
    help="Refuse WebSockets of other Origins with 403. Repeatable; * and ? match.",
)
@click.option(
    "--allow-host",
    multiple=True,
    metavar="PATTERN",
    help="Refuse requests for other Hosts with 403. Repeatable; * and ? match.",
)
@click.option("--handshake-timeout", type=TIMEOUT, default=30.0, show_default=True)
@click.option(
    "--idle-timeout",
    type=SECONDS,
    default=3600.0,
    show_default=True,
    help="End a session in which neither side says anything; 0: never.",
)
@click.option(
    "--close-timeout",
    type=TIMEOUT,
    default=10.0,
    show_default=True,
    help="How long one side may go on after the other has ended.",
)
@click.option(
    "--max-message",
    type=SIZE,
    default="64MiB",
    show_default=True,
    help="Larger messages are passed on, but not decoded or kept.",
)
@click.option(
    "--max-head", type=SIZE, default="64KiB", show_default=True, help="Larger heads are refused."
)
@click.option(
    "--max-connections",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="More clients are answered 503.",
)
@click.option(
    "--write-buffer",
    type=SIZE,
    default="256KiB",
    show_default=True,
    help="What may wait for a slow reader before the other side is not read any more.",
)
@bridging_options
@editing_options
@fleet_options
@record_options
@control_options
@click.option("-q", "--quiet", is_flag=True, help="Print only what is wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Print raw bytes too.")
@click.option("--json", "as_json", is_flag=True, help="Print records as JSON Lines.")
@click.option("--show-secrets", is_flag=True, help="Print cookies and authorization too.")
@click.option(
    "--loop",
    "loop_name",
    type=click.Choice(["auto", "asyncio", "uvloop"]),
    default="auto",
    show_default=True,
    help="The event loop: auto is uvloop where it is installed.",
)
def command(
    upstream: Endpoint,
    listen: tuple[str, int],
    tls_cert: Path | None,
    tls_key: Path | None,
    ca_file: Path | None,
    insecure: bool,
    legacy_tls: bool,
    challenge: Literal["forward", "own"],
    host: Literal["upstream", "keep"],
    repair: bool,
    allow_origin: tuple[str, ...],
    allow_host: tuple[str, ...],
    handshake_timeout: float,
    idle_timeout: float,
    close_timeout: float,
    max_message: int,
    max_head: int,
    max_connections: int,
    write_buffer: int,
    quiet: bool,
    verbose: bool,
    as_json: bool,
    show_secrets: bool,
    loop_name: Literal["auto", "asyncio", "uvloop"],
    recording: RecordingOptions | None,
    editing: EditingOptions,
    bridging: BridgingOptions,
    control: ControlOptions,
    fleet: FleetOptions,
) -> None:
    """Relay hixie-76 and hixie-75 WebSockets to UPSTREAM (ws://HOST:PORT or wss://HOST:PORT).

    Clients connect to --listen instead of the server. Each opening handshake is taken apart and
    verified, each message is printed, and every byte is passed on as it came.
    """
    if quiet and verbose:
        raise click.UsageError("found both -q and -v; expected one of them")
    if tls_key is not None and tls_cert is None:
        raise click.UsageError("found --tls-key without --tls-cert; expected both")
    if not upstream.secure and (ca_file is not None or insecure):
        option = "--insecure" if insecure else "--ca-file"
        raise click.UsageError(f"found {option} with {upstream}; expected a wss:// upstream")
    if insecure and ca_file is not None:
        raise click.UsageError("found both --insecure and --ca-file; expected one of them")
    listener_tls = None
    if tls_cert is not None:
        listener_tls = listener_context(tls_cert, tls_key, legacy=legacy_tls)
    upstream_tls = None
    if upstream.secure:
        upstream_tls = upstream_context(ca_file, insecure=insecure, legacy=legacy_tls)
    place = place_of_this_process()
    if legacy_tls and place is None:
        click.echo("warning: --legacy-tls: old TLS protects against nobody", err=True)
    if recording is not None and fleet.workers > 1:
        if not recording.is_folder:
            expected = "expected a folder, in which no two workers have a file in common"
            raise click.UsageError(
                f"found --workers {fleet.workers} with the file {recording.path}; {expected}"
            )
        if place is not None:
            recording = replace(recording, total_limit=place.share_of(recording.total_limit))

    if fleet.workers > 1 and control.asks:
        option = "--interactive" if control.interactive else "--control"
        expected = "expected one worker, of which a person can be asked"
        raise click.UsageError(f"found {option} with --workers {fleet.workers}; {expected}")
    loaded, rules = editing.load(asks=control.asks, pause=control.pause_timeout)
    where = Endpoint(
        listener_tls is not None, listen[0], listen[1] if place is None else place.port
    )
    controlling = Control(control, quiet=quiet, show_secrets=show_secrets)
    listeners, messages, good = output(
        quiet=quiet,
        verbose=verbose,
        as_json=as_json,
        show_secrets=show_secrets,
        screen=controlling.screen,
        file=shared_output(place),
    )
    recorder = recorder_of(recording, where, upstream)
    if control.asks:
        listeners.append(controlling.breakpoints)
    watched = control.path is not None
    if recorder is not None:
        listeners.append(recorder)
    options = RelayOptions(
        session=SessionOptions(
            upstream=upstream,
            listener=where,
            challenge=challenge,
            host=host,
            repair=repair,
            max_message=max_message,
            head_limits=HeadLimits(size=max_head),
            allow_origins=allow_origin,
            allow_hosts=allow_host,
            messages=messages or watched or recorder is not None,
            adjustments=not quiet or as_json or watched or recorder is not None,
            good_findings=good or watched or recorder is not None,
            lossless=recorder is not None,
            client_dialect=bridging.client_dialect,
            server_dialect=bridging.server_dialect,
            bridge=bridging.bridge,
            ping_interval=bridging.ping_interval,
        ),
        host=where.host,
        port=where.port,
        listener_tls=listener_tls,
        upstream_tls=upstream_tls,
        handshake_timeout=handshake_timeout,
        idle_timeout=idle_timeout,
        close_timeout=close_timeout,
        max_connections=max_connections if place is None else place.share_of(max_connections),
        write_buffer=write_buffer,
        reuse_port=place is not None,
        proxy_protocol=fleet.proxy_protocol,
        trusted_proxies=fleet.trusted_proxies,
        send_proxy_protocol=fleet.send_proxy_protocol,
        drain_quiet=fleet.drain_quiet,
    )
    if fleet.workers > 1 and place is None:
        run(supervise(options, fleet), "asyncio")
        return
    files = recording.open_files if recording else 0
    raise_file_limit(2 * options.max_connections + files)
    service = Service(options, listeners, loaded, rules, controlling)
    run(serve(service, fleet, place), loop_name)
