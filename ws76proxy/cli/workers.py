"""Serves what the options of a relay ask for: alone, as a worker, or as the parent of workers."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from typing import IO, TYPE_CHECKING, NamedTuple, cast

import click

from ws76proxy.cli.control import Control
from ws76proxy.cli.editing import watching
from ws76proxy.cli.fleet import FleetOptions
from ws76proxy.cli.serving import listening, until_stopped
from ws76proxy.editing import RuleFiles
from ws76proxy.endpoint import Endpoint, in_text
from ws76proxy.fleet.place import Place
from ws76proxy.relay import Relay, RelayOptions
from ws76proxy.relay.outlet import Listener
from ws76proxy.session import Editing
from ws76proxy.words import in_words

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from ws76proxy.fleet.supervisor import Supervisor

__all__ = ["Service", "serve", "shared_output", "supervise"]


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
            parent = place.serve(lambda: stopped.stop(signal.SIGTERM))
            stack.callback(parent.close)
            stack.callback(relay.loop.remove_reader, parent)
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
    registry: CollectorRegistry, where: tuple[str, int], well: Callable[[], str | None]
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

    def worker_died(worker: int) -> None:
        if fleet.metrics is not None:
            from ws76proxy.fleet.sums import forget_open

            forget_open(str(supervisor.folder), worker)

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
            from ws76proxy.fleet.sums import registry_of_workers

            registry = registry_of_workers(
                str(supervisor.folder),
                ready=lambda: supervisor.ready,
                restarts=lambda: supervisor.restarts,
            )
            await stack.enter_async_context(
                _page(registry, fleet.metrics, lambda: _state_of_all(supervisor))
            )
        secure = options.listener_tls is not None
        if not await supervisor.run(lambda: _announce(secure, supervisor.addresses)):
            raise click.exceptions.Exit(1)


def _state_of_all(supervisor: Supervisor) -> str | None:
    if supervisor.is_stopping:
        return "draining"
    return None if supervisor.ready else "no worker serves"


def _own_command() -> list[str]:
    """How this process was started, interpreter and its options included."""
    given: list[str] | None = click.get_current_context().find_root().obj
    if given is not None:
        return [sys.executable, "-m", "ws76proxy", *given]
    return [sys.executable, *sys.orig_argv[1:]]
