"""What a case is, what is known of the server beforehand, and what a verdict says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ws76proxy.diagnosis.model import Diagnosis
from ws76proxy.probe.script import Script
from ws76proxy.probe.target import Target
from ws76proxy.probe.witness import Witness
from ws76proxy.wire.dialect import Dialect

__all__ = [
    "Case",
    "Facts",
    "Judge",
    "Judgement",
    "Need",
    "Report",
    "Requirement",
    "Result",
    "Verdict",
]


class Requirement(StrEnum):
    """How strongly the draft wants it."""

    MUST = "MUST"
    """Another behaviour fails the case."""
    SHOULD = "SHOULD"
    """Another behaviour is non-strict, unless it also breaks something that is a MUST."""
    MAY = "MAY"
    """The draft leaves it open: only an answer that is wrong in itself fails."""


class Verdict(StrEnum):
    """What is thought of a server's behaviour in one case, the best first."""

    OK = "ok"
    NON_STRICT = "non-strict"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


class Need(StrEnum):
    """What a case cannot be tried without."""

    ECHO = "echo"
    """The server sends each text message back."""
    HALF_CLOSE = "half-close"
    """One direction of the connection can be ended alone: TLS cannot."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the first connections to a server told.

    `opens` are the dialects in which it completes a handshake, `echoes` those in which a message
    came back; `greetings` are messages that it sends of itself.
    """

    opens: frozenset[Dialect] = frozenset()
    echoes: frozenset[Dialect] = frozenset()
    greetings: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, what came in one sentence, and the findings of the catalogue that fit."""

    verdict: Verdict
    came: str
    findings: tuple[Diagnosis, ...] = ()


Judge = Callable[[Witness, Facts], Judgement]


@dataclass(frozen=True, slots=True)
class Case:
    """One connection to a server, and what the draft says about it.

    `name` is permanent: dialect, group, case, as in ``76.key3.leading-lf``. `sends` and `wants`
    complete the sentences "the probe sends …" and "the draft wants …"; `section` is that of
    draft-hixie-thewebsocketprotocol-76 unless it names another document. `basic` cases are tried
    even where no connection can be opened.
    """

    name: str
    sends: str
    wants: str
    section: str
    requirement: Requirement
    script: Callable[[Target], Script]
    judge: Judge
    needs: frozenset[Need] = frozenset()
    basic: bool = False

    @property
    def dialect(self) -> Dialect:
        """What is spoken."""
        return Dialect.HIXIE_75 if self.name.startswith("75.") else Dialect.HIXIE_76

    @property
    def group(self) -> str:
        """The first two parts of the name."""
        return self.name.rpartition(".")[0]

    def not_applicable(self, facts: Facts, *, secure: bool) -> str | None:
        """Why this server cannot be judged by this case, or None."""
        if self.dialect not in facts.opens and not self.basic:
            return f"no {self.dialect} connection could be opened"
        if Need.ECHO in self.needs and self.dialect not in facts.echoes:
            return "the server does not echo"
        if Need.HALF_CLOSE in self.needs and secure:
            return "TLS has no half-closed connections"
        return None


@dataclass(frozen=True, slots=True)
class Result:
    """A case, tried: its judgement, the first bytes of both directions, and the seconds it took."""

    case: Case
    judgement: Judgement
    sent: bytes = b""
    received: bytes = b""
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """The judgement's verdict."""
        return self.judgement.verdict


@dataclass(frozen=True, slots=True)
class Report:
    """A run: the server by its URL, what was known of it, and a result for each case, in order."""

    url: str
    facts: Facts
    results: tuple[Result, ...]
    seconds: float

    def with_verdict(self, verdict: Verdict) -> tuple[Result, ...]:
        """The results of that verdict, in order."""
        return tuple(result for result in self.results if result.verdict is verdict)

    def passed(self, *, strict: bool) -> bool:
        """Whether no case failed; with `strict`, none was non-strict either."""
        bad = {Verdict.FAILED, Verdict.NON_STRICT} if strict else {Verdict.FAILED}
        return not any(result.verdict in bad for result in self.results)
