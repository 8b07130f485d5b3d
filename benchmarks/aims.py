"""What the relay aims at, as data: bounds on ratios within one run, and on memory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from benchmarks.works import PEAK, WORKS

MITMPROXY = "mitmdump"


class Sense(Enum):
    """How a measured value is compared with its bound."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


class Against(Enum):
    """What the figure is set against to give the value."""

    PASS_THROUGH = "pass-through"  # noqa: S105 - not a password
    """The figure divided by that of the relay's reference, for round trips too."""
    RELAY = "relay"
    """How many times as fast as another relay, so that more is better for round trips too."""
    NOTHING = "MiB"
    """The figure itself."""


@dataclass(frozen=True, slots=True)
class Aim:
    figure: str
    against: Against
    sense: Sense
    bound: float
    relay: str | None = None
    """The other relay, with RELAY."""

    @property
    def named(self) -> str:
        """What it is set against, in a word."""
        return self.relay or self.against.value

    def met_by(self, value: float) -> bool:
        if self.sense is Sense.AT_LEAST:
            return value >= self.bound
        return value <= self.bound


def _as_fast_as(relay: str, work: str, times: float) -> Aim:
    return Aim(work, Against.RELAY, Sense.AT_LEAST, times, relay)


_COMMON = (
    Aim("W4", Against.PASS_THROUGH, Sense.AT_LEAST, 0.6),
    Aim("W5", Against.PASS_THROUGH, Sense.AT_LEAST, 0.65),
    Aim(PEAK, Against.NOTHING, Sense.AT_MOST, 64),
)
_FASTER_THAN_MITMPROXY = (
    _as_fast_as(MITMPROXY, "W1", 100),
    _as_fast_as(MITMPROXY, "W2", 20),
    _as_fast_as(MITMPROXY, "W5", 20),
)

WITHOUT_RECORDING = (
    Aim("W1", Against.PASS_THROUGH, Sense.AT_LEAST, 0.3),
    Aim("W2", Against.PASS_THROUGH, Sense.AT_MOST, 1.1),
    Aim("W3", Against.PASS_THROUGH, Sense.AT_LEAST, 0.5),
    *_COMMON,
    *_FASTER_THAN_MITMPROXY,
)
RECORDS = (
    Aim("W1", Against.PASS_THROUGH, Sense.AT_LEAST, 0.04),
    Aim("W2", Against.PASS_THROUGH, Sense.AT_MOST, 1.25),
    Aim("W3", Against.PASS_THROUGH, Sense.AT_LEAST, 0.35),
    *_COMMON,
)
ADDON = (
    # The reference speaks RFC 6455 and has no addon: what it costs to look closer.
    _as_fast_as(MITMPROXY, "W1", 0.9),
    _as_fast_as(MITMPROXY, "W2", 0.9),
    _as_fast_as(MITMPROXY, "W3", 0.9),
)


def rules(without: str) -> tuple[Aim, ...]:
    """Of a relay whose rules match nothing, against the same one without rules."""
    return (_as_fast_as(without, "W1", 1 / 3),)


def script(hook: str) -> tuple[Aim, ...]:
    """Of a relay whose script edits each message, against a bare relay that makes the same edit."""
    return (_as_fast_as(hook, "W1", 1 / 2),)


def bridge(*libraries: str) -> tuple[Aim, ...]:
    """Of a relay between two dialects, against relays made of libraries of one."""
    return tuple(_as_fast_as(library, work, 1) for work in WORKS for library in libraries)
