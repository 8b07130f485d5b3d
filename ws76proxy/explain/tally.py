"""What is counted over all sessions of an input, and the verdict over each server's handshakes."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ws76proxy.diagnosis import HandshakeHistory, Severity, Together
from ws76proxy.explain.explained import RANKS, Explained
from ws76proxy.record import FindingRecord
from ws76proxy.recording.challenges import answers_in

__all__ = ["CodeCount", "ServerVerdict", "Tally"]

# Each holds some of its handshakes.
_MOST_SERVERS = 256
_KEPT_OF_A_SERVER = 32
_MOST_CODES = 1000


class CodeCount(NamedTuple):
    """In how many sessions a finding was."""

    code: str
    severity: Severity
    title: str
    sessions: int


class ServerVerdict(NamedTuple):
    """What several handshakes of a server say together."""

    server: str
    together: Together


class Tally:
    """Takes sessions, and sums them up."""

    def __init__(self) -> None:
        self.sessions = 0
        self.worst = Severity.GOOD
        self.unjudged = 0
        """Handshakes of servers of which there were too many."""
        self._by_worst: Counter[Severity] = Counter()
        self._codes: dict[str, CodeCount] = {}
        self._histories: dict[str, HandshakeHistory] = {}

    def add(self, session: Explained) -> None:
        """One more session."""
        self.sessions += 1
        worst = session.worst
        self._by_worst[worst] += 1
        self.worst = max(self.worst, worst, key=RANKS.__getitem__)
        for finding in {one.code: one for one in session.findings}.values():
            self._count(finding)
        if session.server:
            self._judge(session)

    @property
    def by_worst(self) -> tuple[int, int, int, int]:
        """How many sessions have errors; of the others warnings; remarks; nothing."""
        errors, warnings, remarks, sound = (
            self._by_worst[severity]
            for severity in sorted(RANKS, key=RANKS.__getitem__, reverse=True)
        )
        return errors, warnings, remarks, sound

    @property
    def codes(self) -> list[CodeCount]:
        """What was found, the most serious and the most frequent first; not what passed."""
        counted = [one for one in self._codes.values() if one.severity is not Severity.GOOD]
        return sorted(counted, key=lambda one: (-RANKS[one.severity], -one.sessions, one.code))

    @property
    def servers(self) -> list[ServerVerdict]:
        """The verdicts over servers of which there is more than one handshake, the bad ones
        first."""
        verdicts = [
            ServerVerdict(server, history.together()) for server, history in self._histories.items()
        ]
        several = [one for one in verdicts if one.together.right + one.together.wrong > 1]
        return sorted(several, key=lambda one: -one.together.wrong)

    def _count(self, finding: FindingRecord) -> None:
        code = finding.code
        counted = self._codes.get(code)
        if counted is None:
            if len(self._codes) >= _MOST_CODES:
                return
            counted = CodeCount(code, finding.severity, finding.title, 0)
        self._codes[code] = counted._replace(sessions=counted.sessions + 1)

    def _judge(self, session: Explained) -> None:
        for asked, received in answers_in(session.records):
            history = self._histories.get(session.server)
            if history is None:
                if len(self._histories) >= _MOST_SERVERS:
                    self.unjudged += 1
                    return
                history = HandshakeHistory(keep=_KEPT_OF_A_SERVER)
                self._histories[session.server] = history
            history.add(asked, received)
