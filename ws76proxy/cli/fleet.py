"""The options of a fleet: workers, drain, metrics, the PROXY protocol."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import click

from ws76proxy.cli.given import refuse_given
from ws76proxy.cli.types import ADDRESS, NETWORK, SECONDS
from ws76proxy.relay.behind import Network

__all__ = ["FleetOptions", "fleet_options"]

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
        type=NETWORK,
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
