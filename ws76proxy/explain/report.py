"""What every report of `ws76proxy explain` can do, whatever it is written as."""

from __future__ import annotations

from typing import Protocol

from ws76proxy.diagnosis import Finding
from ws76proxy.explain.explained import Explained
from ws76proxy.explain.tally import Tally

__all__ = ["Report", "in_words"]


class Report(Protocol):
    """Has a text for everything; the texts one behind the other are the report."""

    def begin(self) -> str:
        """What stands before everything else."""

    def session(self, session: Explained) -> str:
        """A session, explained at length."""

    def note(self, text: str) -> str:
        """What a recording says of itself."""

    def finish(self, tally: Tally, told: int) -> str:
        """What stands at the end: a summary of all sessions, of which so many were told."""

    def page(self, finding: Finding) -> str:
        """The catalogue's page of a finding."""


def in_words(tally: Tally, told: int) -> str:
    """How many sessions there were, as a sentence without its full stop."""
    named = zip(
        tally.by_worst, ("with errors", "with warnings", "with remarks", "sound"), strict=True
    )
    listed = ", ".join(f"{count:,} {what}" for count, what in named if count)
    if told < tally.sessions:
        listed += f"; {told:,} of them told above"
    plural = "" if tally.sessions == 1 else "s"
    return f"{tally.sessions:,} session{plural}: {listed}"
