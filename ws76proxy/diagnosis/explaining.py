"""Why a digest is wrong: it is recomputed with each known bug until the bytes are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ws76proxy.diagnosis.causes import Cause, all_causes, as_asked, within_a_sentence
from ws76proxy.diagnosis.hypotheses import Asked
from ws76proxy.diagnosis.telling_apart import what_would_tell
from ws76proxy.wire.challenge import DIGEST_SIZE, Challenge

__all__ = ["Explanation", "WrongAnswers", "explain_digest", "in_words", "simplest"]

LEAST_PROOF = 4
"""Bytes that must be reproduced: a digest that ends at a NUL may be too short to prove anything."""


@dataclass(frozen=True)
class Explanation:
    """What was expected, what came, and every known bug that makes the one of the other.

    `expected` is None where the draft's server has no answer. `causes` are the simplest that there
    are, single bugs or pairs, those with known carriers first; none for a right digest, and none
    where no known bug gives these bytes.
    """

    asked: Asked
    expected: bytes | None
    received: bytes
    causes: tuple[Cause, ...]

    @property
    def is_right(self) -> bool:
        """Whether the first 16 bytes answer the challenge."""
        return self.received[:DIGEST_SIZE] == self.expected

    @cached_property
    def would_tell(self) -> str:
        """What would tell the causes apart, as a clause; empty where there is nothing to."""
        return what_would_tell(self.causes)

    @property
    def verdict(self) -> str:
        """All of it in a sentence, without its full stop."""
        if self.is_right:
            return "the digest is right"
        return in_words(self.causes) or "none of the known bugs gives these bytes"


def in_words(causes: Sequence[Cause]) -> str:
    """The causes as one clause, and what would tell them apart; empty where there are none."""
    titles = [within_a_sentence(cause.title) for cause in causes]
    if len(titles) < 2:
        return "".join(titles)
    return f"{'; or '.join(titles)} ({what_would_tell(causes)})"


def simplest(causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """Those that need the fewest bugs, in the order given."""
    fewest = min([cause.complexity for cause in causes], default=0)
    return tuple([cause for cause in causes if cause.complexity == fewest])


class WrongAnswers:
    """What each known bug answers to one challenge; made once, asked as often as one likes.

    `causes` are those to look at, where not all there are.
    """

    def __init__(self, asked: Challenge | Asked, causes: Sequence[Cause] | None = None) -> None:
        self.asked = as_asked(asked)
        self._causes = all_causes() if causes is None else causes

    def explain(self, received: bytes) -> Explanation:
        """Why these bytes came: 16, or more as far as is known what followed, or fewer at the end.

        Pairs of bugs are reported only where no single bug gives the bytes.
        """
        expected = self.asked.challenge.answer
        is_right = received[:DIGEST_SIZE] == expected
        causes = () if is_right else simplest(self.fitting(received))
        return Explanation(self.asked, expected, received, causes)

    def fitting(self, received: bytes) -> list[Cause]:
        """Every cause that gives these bytes, also pairs of which one bug changes nothing here.

        Where several do, those that account for the most bytes.
        """
        fitting = [
            (min(len(made), len(received)), cause)
            for cause, made in self._made.get(received[:LEAST_PROOF], [])
            if _agree(made, received)
        ]
        most = max([size for size, _ in fitting], default=0)
        return [cause for size, cause in fitting if size == most]

    @cached_property
    def _made(self) -> dict[bytes, list[tuple[Cause, bytes]]]:
        """Causes and all that they send, by the first bytes of it."""
        made: dict[bytes, list[tuple[Cause, bytes]]] = {}
        for cause in self._causes:
            sent = cause.server.answer(self.asked)
            if sent is not None and len(sent) >= LEAST_PROOF:
                made.setdefault(sent[:LEAST_PROOF], []).append((cause, sent))
        return made


def _agree(made: bytes, received: bytes) -> bool:
    """Whether one goes on as the other does, as far as both go; less than a digest must be all."""
    if len(received) < DIGEST_SIZE:
        return made == received
    return received.startswith(made) or made.startswith(received)


def explain_digest(asked: Challenge | Asked, received: bytes) -> Explanation:
    """Why a server answered these bytes to this challenge (5.2).

    `received` are the 16 bytes behind the head of a 101, or more, as far as is known what followed:
    a digest in hexadecimal has 32. Fewer are all that came before the end of the stream.
    """
    return WrongAnswers(asked).explain(received)
