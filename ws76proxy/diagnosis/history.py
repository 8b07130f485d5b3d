"""What several handshakes of one server say together: bugs that show now and then, above all."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from ws76proxy.diagnosis.causes import Cause, as_asked, within_a_sentence
from ws76proxy.diagnosis.explaining import LEAST_PROOF, WrongAnswers, in_words, simplest
from ws76proxy.diagnosis.hypotheses import Asked
from ws76proxy.wire.challenge import DIGEST_SIZE, Challenge

__all__ = ["HandshakeHistory", "Together", "explain_together"]


@dataclass(frozen=True)
class Together:
    """The verdict on the handshakes of one server.

    `causes` give the bytes of `explained` wrong answers, and none was found to give more. Where
    `contradicted`, each of them would have made wrong some answer that was right: such a server has
    not given all of these answers. `unanswerable` handshakes have keys without a right answer;
    nothing is concluded from them. `failures` are some of the wrong ones, with what was received.
    """

    right: int
    wrong: int
    unanswerable: int
    causes: tuple[Cause, ...]
    explained: int
    contradicted: bool
    failures: tuple[tuple[Asked, bytes], ...]

    @property
    def verdict(self) -> str:
        """All of it in a sentence, without its full stop."""
        total = self.right + self.wrong
        if not total:
            return "no handshake to judge by"
        if not self.wrong:
            return f"right in {_all(total)}"
        score = f"right in {self.right} of {total}" if self.right else f"wrong in {_all(total)}"
        return f"{score}; {self._why()}"

    def _why(self) -> str:
        if not self.causes:
            return "none of the known bugs gives these bytes"
        if self.explained < self.wrong:
            bugs = "; ".join([within_a_sentence(cause.title) for cause in self.causes])
            each = f"{self.explained} of {self.wrong}" + (" each" if len(self.causes) > 1 else "")
            return f"no one bug explains all failures; {each} are explained by: {bugs}"
        bug = in_words(self.causes)
        if self.contradicted:
            return (
                f"each failure comes from one bug that would have shown in others too, so that "
                f"another server must have answered those: {bug}"
            )
        shows = self.causes[0].shows if self.right else ""
        return f"every failure has {shows}: {bug}" if shows else bug


def _all(total: int) -> str:
    return f"all {total}" if total > 1 else "the only one"


@dataclass
class _Tally:
    cause: Cause
    explained: int = 0
    contradicted: bool = False


class HandshakeHistory:
    """The handshakes of one server, told one by one.

    It holds numbers, a tally for each cause that has ever explained a failure, and at most `keep`
    right and `keep` wrong handshakes, however many there were. A right one costs nothing before the
    first failure; a wrong one costs little where what explained the others explains it too.
    """

    def __init__(self, *, keep: int = 64) -> None:
        self._right = self._wrong = self._unanswerable = 0
        self._tallies: dict[str, _Tally] = {}
        self._successes: deque[Asked] = deque(maxlen=keep)
        self._failures: deque[tuple[Asked, bytes]] = deque(maxlen=keep)

    def add(self, asked: Challenge | Asked, received: bytes) -> bool:
        """One more: what was asked, and what came behind the head, as in `explain_digest`.

        Returns whether anything can be concluded from it. Fewer bytes than prove anything are not
        counted.
        """
        if len(received) < LEAST_PROOF:
            return False
        asked = as_asked(asked)
        expected = asked.challenge.answer
        if expected is None:
            self._unanswerable += 1
        elif received[:DIGEST_SIZE] == expected:
            self._right += 1
            self._successes.append(asked)
            for tally in self._tallies.values():
                tally.contradicted = tally.contradicted or _contradicts(asked, tally.cause)
        else:
            for cause in self._fitting(asked, received):
                self._tally(cause).explained += 1
            self._wrong += 1
            self._failures.append((asked, received))
        return expected is not None

    def _fitting(self, asked: Asked, received: bytes) -> list[Cause]:
        """The causes of one more failure: those of all others, or if they fail, any."""
        so_far = [one.cause for one in self._tallies.values() if one.explained == self._wrong]
        known = WrongAnswers(asked, so_far).fitting(received)
        return known or WrongAnswers(asked).fitting(received)

    def _tally(self, cause: Cause) -> _Tally:
        tally = self._tallies.get(cause.code)
        if tally is None:
            tally = self._tallies[cause.code] = _Tally(cause)
            tally.contradicted = any(_contradicts(asked, cause) for asked in self._successes)
        return tally

    def together(self) -> Together:
        """The verdict so far."""
        most = max([tally.explained for tally in self._tallies.values()], default=0)
        best = [tally for tally in self._tallies.values() if tally.explained == most]
        # Of these, the ones that account for the right answers too, if there are any.
        best = [tally for tally in best if not tally.contradicted] or best
        return Together(
            right=self._right,
            wrong=self._wrong,
            unanswerable=self._unanswerable,
            causes=simplest([tally.cause for tally in best]),
            explained=most,
            contradicted=any(tally.contradicted for tally in best),
            failures=tuple(self._failures),
        )


def _contradicts(asked: Asked, cause: Cause) -> bool:
    """Whether a server with this bug would have failed where ours was right."""
    sent = cause.server.answer(asked)
    return sent is not None and sent[:DIGEST_SIZE] != asked.challenge.answer


def explain_together(handshakes: Iterable[tuple[Challenge | Asked, bytes]]) -> Together:
    """The verdict on several handshakes of one server: what was asked, and what was received."""
    history = HandshakeHistory()
    for asked, received in handshakes:
        history.add(asked, received)
    return history.together()
