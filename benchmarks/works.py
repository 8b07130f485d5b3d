"""The works that the load generator does, and which of its figures count."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Work:
    name: str
    title: str
    unit: str
    figure: str
    """The field of the load generator's JSON that is compared."""
    lower_is_better: bool = False


WORKS = {
    work.name: work
    for work in (
        Work(
            "W1",
            "32-byte text messages echoed, 512 outstanding",
            "msg/s",
            "messages_per_second",
        ),
        Work(
            "W2",
            "32-byte text messages echoed, one outstanding: the median round trip",
            "p50 µs",
            "round_trip_p50_us",
            lower_is_better=True,
        ),
        Work("W3", "1 MiB text messages one way", "MiB/s", "mib_per_second"),
        Work("W3e", "1 MiB text messages echoed, four outstanding", "MiB/s", "mib_per_second"),
        Work(
            "W4",
            "1,000 idle connections and 100 busy ones, each with one message outstanding",
            "msg/s",
            "messages_per_second",
        ),
        Work(
            "W5",
            "connect, handshake, one echo, closing handshake; eight connections at a time",
            "conn/s",
            "connections_per_second",
        ),
    )
}

TEXTS = {
    "ascii": "ASCII",
    "bmp": "UTF-8 with sequences of one to three bytes",
    "astral": "UTF-8 with sequences of one to four bytes",
}
"""What the messages can be made of, and what the table says about it."""

PEAK = "peak"
"""Not a work: the name of the figure that all of them share, the relay's peak memory in MiB."""
