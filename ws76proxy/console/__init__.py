"""Records as a person reads them in a terminal."""

from ws76proxy.console.sink import Console, Level
from ws76proxy.console.summary import SessionSummary, SummaryTable
from ws76proxy.console.transcript import handshake_text

__all__ = ["Console", "Level", "SessionSummary", "SummaryTable", "handshake_text"]
