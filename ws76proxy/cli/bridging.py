"""The options of the dialects that both sides speak, for every command that can translate."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

import click

from ws76proxy.bridge import DIALECTS, Binary, BridgeOptions
from ws76proxy.cli.given import refuse_given
from ws76proxy.cli.types import SECONDS
from ws76proxy.wire.dialect import Dialect

__all__ = ["BridgingOptions", "bridging_options"]

_NAMES = [dialect.value for dialect in DIALECTS]
_OPTIONS = [
    click.option(
        "--client-dialect",
        type=click.Choice(["auto", *_NAMES]),
        default="auto",
        show_default=True,
        help="What clients must speak; auto: whatever they do. Others are refused.",
    ),
    click.option(
        "--server-dialect",
        type=click.Choice(["same", "auto", *_NAMES]),
        default="same",
        show_default=True,
        help="What the server speaks. same: what the client speaks, passed on as it came; auto: it"
        " is found out. Where it is another, everything is translated.",
    ),
    click.option(
        "--subprotocol",
        metavar="NAME",
        help="Which of the subprotocols that an RFC 6455 client offers a hixie server is asked"
        " for.  [default: the first]",
    ),
    click.option(
        "--binary",
        type=click.Choice(["refuse", "drop", "base64", "text"]),
        default="refuse",
        show_default=True,
        help="What becomes of binary messages on their way to a side that has none.",
    ),
    click.option(
        "--no-deflate",
        is_flag=True,
        help="Neither offer nor accept permessage-deflate on a side of RFC 6455.",
    ),
    click.option(
        "--ping-interval",
        type=SECONDS,
        default=0.0,
        help="Ping a side of RFC 6455 that has said nothing for so long.  [default: never]",
    ),
]
_OF_A_BRIDGE = ("subprotocol", "binary", "no_deflate", "ping_interval")


@dataclass(frozen=True, slots=True)
class BridgingOptions:
    """What the user wants, as `SessionOptions` has it."""

    client_dialect: Dialect | None
    server_dialect: Dialect | Literal["same", "auto"]
    bridge: BridgeOptions
    ping_interval: float


def bridging_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; its function gets them as one argument, `bridging`."""

    @functools.wraps(command)
    def wrapped(
        *,
        client_dialect: str,
        server_dialect: str,
        subprotocol: str | None,
        binary: Binary,
        no_deflate: bool,
        ping_interval: float,
        **others: Any,
    ) -> Any:
        if server_dialect == "same":
            why = "with --server-dialect same; expected auto or a dialect"
            refuse_given(_OF_A_BRIDGE, why)
        server = server_dialect if server_dialect in ("same", "auto") else Dialect(server_dialect)
        bridging = BridgingOptions(
            None if client_dialect == "auto" else Dialect(client_dialect),
            cast('Dialect | Literal["same", "auto"]', server),
            BridgeOptions(
                binary=binary,
                subprotocol=_token(subprotocol),
                deflate=not no_deflate,
            ),
            ping_interval,
        )
        return command(bridging=bridging, **others)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def _token(subprotocol: str | None) -> bytes | None:
    if subprotocol is None:
        return None
    if not subprotocol or not subprotocol.isascii() or not subprotocol.isprintable():
        raise click.UsageError(
            f"found --subprotocol {subprotocol!r}; expected a name in printable ASCII"
        )
    return subprotocol.encode()
