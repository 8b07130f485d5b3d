"""The options of a fleet: workers, drain, metrics, the PROXY protocol; and how they are served."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import IO, Any, Literal, NamedTuple, cast

import click

from ws76proxy.cli.control import Control
from ws76proxy.cli.editing import watching
from ws76proxy.cli.given import refuse_given
from ws76proxy.cli.serving import listening, until_stopped
from ws76proxy.cli.types import ADDRESS, SECONDS
from ws76proxy.editing import RuleFiles
from ws76proxy.endpoint import Endpoint, in_text
from ws76proxy.fleet.place import Place
from ws76proxy.relay import Relay, RelayOptions
from ws76proxy.relay.behind import Network
from ws76proxy.relay.outlet import Listener
from ws76proxy.relay.words import in_words
from ws76proxy.session import Editing

__all__ = [
    "FleetOptions",
    "Service",
    "fleet_options",
    "serve",
    "shared_output",
    "supervise",
]

_MOST_WORKERS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """How many processes serve, how they end, and where they tell how they are.

    `drain` is how many seconds busy sessions are waited for; `metrics` is a host and port.
    """

    workers: int = 1
    drain: float = 0.0
    drain_quiet: float = 1.0
    metrics: tuple[str, int] | None = None
    proxy_protocol: bool = False
    trusted_proxies: tuple[Network, ...] = ()
    send_proxy_protocol: Literal["v1", "v2"] | None = None


class _Network(click.ParamType["Network"]):
    name = "cidr"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Network:
        try:
            return ip_network(value)
        except ValueError as error:
            expected = "expected an address or network, such as 10.0.0.0/8 or 2001:db8::/32"
            self.fail(f"{error}; {expected}", param, ctx)


_OPTIONS = [
    click.option(
        "--workers",
        type=click.IntRange(1, _MOST_WORKERS),
        default=1,
        show_default=True,
        help="Serve with so many processes, which share the port.",
    ),
    click.option(
        "--drain",
        type=SECONDS,
        default=0.0,
        show_default=True,
        help="On SIGTERM, end idle sessions at once and wait so long for the others; 0: end all.",
    ),
    click.option(
        "--drain-quiet",
        type=SECONDS,
        default=1.0,
        show_default=True,
        help="With --drain, a session is idle when nothing has come for so long.",
    ),
    click.option(
        "--metrics",
        type=ADDRESS,
        help="Serve Prometheus /metrics, and /healthz, there.",
    ),
    click.option(
        "--proxy-protocol",
        is_flag=True,
        help="Expect a PROXY protocol header (v1 or v2) from every client: behind a balancer.",
    ),
    click.option(
        "--proxy-protocol-from",
        "trusted_proxies",
        type=_Network(),
        multiple=True,
        help="Take it from these networks only, and nobody else in. Repeatable.",
    ),
    click.option(
        "--send-proxy-protocol",
        type=click.Choice(["v1", "v2"]),
        help="Begin each connection to the server with a PROXY protocol header.",
    ),
]


def fleet_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; its function gets them as one argument, `fleet`."""

    @functools.wraps(command)
    def wrapped(
        *,
        workers: int,
        drain: float,
        drain_quiet: float,
        metrics: tuple[str, int] | None,
        proxy_protocol: bool,
        trusted_proxies: tuple[Network, ...],
        send_proxy_protocol: Literal["v1", "v2"] | None,
        **others: Any,
    ) -> Any:
        if not drain:
            refuse_given("drain_quiet", "without --drain; expected both")
        if trusted_proxies and not proxy_protocol:
            expected = "expected both"
            raise click.UsageError(
                f"found --proxy-protocol-from without --proxy-protocol; {expected}"
            )
        if workers > 1 and not hasattr(socket, "SO_REUSEPORT"):
            raise click.UsageError("--workers: this system cannot share a port (SO_REUSEPORT)")
        fleet = FleetOptions(
            workers=workers,
            drain=drain,
            drain_quiet=drain_quiet,
            metrics=metrics,
            proxy_protocol=proxy_protocol,
            trusted_proxies=trusted_proxies,
            send_proxy_protocol=send_proxy_protocol,
        )
        return command(fleet=fleet, **others)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def shared_output(place: Place | None) -> IO[bytes] | None:
    """Standard output for a worker, which others write to as well."""
    if place is None:
        return None
    return cast("IO[bytes]", place.takes_turns(sys.stdout.buffer))


class Service(NamedTuple):
    """What is served: a relay, who listens to it, who changes what passes, and who decides."""

    options: RelayOptions
    listeners: list[Listener]
    editing: Editing | None
    rules: RuleFiles | None
    control: Control


async def serve(service: Service, fleet: FleetOptions, place: Place | None) -> None:
    """Serve until a signal, alone or as a worker."""
    options, control = service.options, service.control
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(control.reserved())
        counted, relays = await _counting(service.listeners, fleet, place, stack)
        numbers = None if place is None else place.numbers()
        relay = await stack.enter_async_context(
            listening(options, counted, service.editing, numbers=numbers)
        )
        relays.append(relay)
        await stack.enter_async_context(watching(service.rules, relay))
        stopped = await stack.enter_async_context(until_stopped(lambda: control.spares_interrupts))
        if place is None:
            _announce(options.listener_tls is not None, relay.addresses)
        else:
            board = place.serve(lambda: stopped.stop(signal.SIGTERM))
            stack.callback(board.close)
            stack.callback(relay.loop.remove_reader, board)
        async with control.deciding(relay):
            await stopped.wait()
        if stopped.by is signal.SIGTERM and fleet.drain:
            await relay.drain(fleet.drain)


def _announce(secure: bool, addresses: list[tuple[str, int]]) -> None:
    for host, port in addresses:
        click.echo(f"listening on {Endpoint(secure, host, port)}", err=True)


async def _counting(
    listeners: list[Listener],
    fleet: FleetOptions,
    place: Place | None,
    stack: contextlib.AsyncExitStack,
) -> tuple[list[Listener], list[Relay]]:
    """The listeners, metrics included where they are wanted; the relay to watch is to be added to
    the list."""
    relays: list[Relay] = []
    if fleet.metrics is None:
        return listeners, relays
    # Not above: nobody else has any use for the library.
    from ws76proxy.fleet import metrics as counting

    if place is not None:
        stack.callback(counting.count_for_all(place.worker))
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    metrics = counting.Metrics(registry)
    metrics.watch(lambda: (one for relay in relays for one in relay.sessions), listeners)
    if place is None:
        await stack.enter_async_context(_page(registry, fleet.metrics, lambda: _state_of(relays)))
    looking = asyncio.get_running_loop().create_task(counting.keep_looking(metrics))
    stack.callback(looking.cancel)
    # The last one: it is asked to stop first, when the others may still say what they dropped.
    return [*listeners, metrics], relays


def _state_of(relays: list[Relay]) -> str | None:
    if not relays:
        return "starting"
    return "draining" if relays[0].is_draining else None


@contextlib.asynccontextmanager
async def _page(
    registry: Any, where: tuple[str, int], well: Callable[[], str | None]
) -> AsyncIterator[None]:
    from ws76proxy.fleet.page import StatusPage, tell_build

    tell_build(registry)
    page = StatusPage(registry, *where, well)
    try:
        await page.__aenter__()
    except (OSError, UnicodeError) as error:
        shown = in_text(*where)
        raise click.ClickException(f"cannot serve metrics on {shown}: {in_words(error)}") from None
    try:
        address = Endpoint(False, *page.address).web_origin
        click.echo(f"metrics on {address}/metrics", err=True)
        yield
    finally:
        await page.__aexit__()


async def supervise(options: RelayOptions, fleet: FleetOptions) -> None:
    """Run workers with this command line until a signal."""
    from ws76proxy.fleet.supervisor import Supervisor

    died: list[Callable[[int], None]] = []

    def worker_died(worker: int) -> None:
        for one in died:
            one(worker)

    supervisor = Supervisor(
        _own_command(),
        fleet.workers,
        say=lambda line: click.echo(f"ws76proxy: {line}", err=True),
        worker_died=worker_died,
    )
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(supervisor.prepared(options.host, options.port))
        except (OSError, UnicodeError) as error:
            where = in_text(options.host, options.port)
            raise click.ClickException(f"cannot listen on {where}: {in_words(error)}") from None
        if fleet.metrics is not None:
            from ws76proxy.fleet.sums import forget_open, registry_of_workers

            folder = str(supervisor.folder)
            died.append(lambda worker: forget_open(folder, worker))
            registry = registry_of_workers(
                folder, ready=lambda: supervisor.ready, restarts=lambda: supervisor.restarts
            )
            await stack.enter_async_context(
                _page(registry, fleet.metrics, lambda: _state_of_all(supervisor))
            )
        secure = options.listener_tls is not None
        if not await supervisor.run(lambda: _announce(secure, supervisor.addresses)):
            raise click.exceptions.Exit(1)


def _state_of_all(supervisor: Any) -> str | None:
    if supervisor.is_stopping:
        return "draining"
    return None if supervisor.ready else "no worker serves"


def _own_command() -> list[str]:
    """How this process was started, interpreter and its options included."""
    given: list[str] | None = click.get_current_context().find_root().obj
    if given is not None:
        return [sys.executable, "-m", "ws76proxy", *given]
    return [sys.executable, *sys.orig_argv[1:]]
