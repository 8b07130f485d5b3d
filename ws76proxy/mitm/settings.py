"""The addon's options, with their help texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from mitmproxy.addonmanager import Loader
from mitmproxy.optmanager import OptManager

__all__ = ["Settings", "add_options", "read_options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a user can set; `max_messages` 0 keeps all."""

    challenge: Literal["forward", "own"] = "forward"
    repair: bool = False
    strict: bool = False
    max_messages: int = 0


def add_options(loader: Loader) -> None:
    """Make the options known to mitmproxy."""
    loader.add_option(
        "ws76_challenge",
        str,
        "forward",
        "Hixie-76 handshakes: pass the client's keys on and verify the server's answer (forward),"
        " or ask the server a challenge of our own and answer the client's ourselves (own).",
        choices=("forward", "own"),
    )
    loader.add_option(
        "ws76_repair",
        bool,
        False,
        "Hixie handshakes: correct, on its way to the client, what the client would refuse in the"
        " server's answer: the digest, Location, Origin, Upgrade. The flow says what was changed.",
    )
    loader.add_option(
        "ws76_strict",
        bool,
        False,
        "Hixie handshakes: answer 400 where the draft tells a server to refuse, or where the"
        " request lacks what every server needs. Otherwise all requests are passed on.",
    )
    loader.add_option(
        "ws76_max_messages",
        int,
        0,
        "Hixie sessions: keep only so many messages of each session in memory, the last ones; the"
        " flow says how many were let go. 0 keeps all.",
    )


def read_options(options: OptManager) -> Settings:
    """The options as they are set now."""
    return Settings(
        challenge=cast("Literal['forward', 'own']", options.ws76_challenge),
        repair=options.ws76_repair,
        strict=options.ws76_strict,
        max_messages=max(options.ws76_max_messages, 0),
    )
