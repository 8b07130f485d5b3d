"""What the relay aims at, as data: bounds on ratios within one run, and on memory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from benchmarks.works import PEAK


class Sense(Enum):
    """How a measured value is compared with its bound."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


class Against(Enum):
    """What the figure is set against to give the value."""

    PASS_THROUGH = "pass-through"  # noqa: S105 - not a password
    """The figure divided by that of the relay's reference, for round trips too."""
    MITMPROXY = "mitmproxy"
    """How many times as fast, so that more is better for round trips too."""
    NOTHING = "MiB"
    """The figure itself."""


@dataclass(frozen=True, slots=True)
class Aim:
    figure: str
    against: Against
    sense: Sense
    bound: float

    def met_by(self, value: float) -> bool:
        if self.sense is Sense.AT_LEAST:
            return value >= self.bound
        return value <= self.bound


_COMMON = (
    Aim("W4", Against.PASS_THROUGH, Sense.AT_LEAST, 0.6),
    Aim("W5", Against.PASS_THROUGH, Sense.AT_LEAST, 0.65),
    Aim(PEAK, Against.NOTHING, Sense.AT_MOST, 64),
)
_FASTER_THAN_MITMPROXY = (
    Aim("W1", Against.MITMPROXY, Sense.AT_LEAST, 100),
    Aim("W2", Against.MITMPROXY, Sense.AT_LEAST, 20),
    Aim("W5", Against.MITMPROXY, Sense.AT_LEAST, 20),
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
    Aim("W1", Against.MITMPROXY, Sense.AT_LEAST, 0.9),
    Aim("W2", Against.MITMPROXY, Sense.AT_LEAST, 0.9),
    Aim("W3", Against.MITMPROXY, Sense.AT_LEAST, 0.9),
)
