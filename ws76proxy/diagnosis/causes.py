"""What can be the matter with a digest: one hypothesis, or two together; and imitating them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property
from itertools import combinations

from ws76proxy.diagnosis.hypotheses import HYPOTHESES, Asked, Hypothesis, Server
from ws76proxy.errors import UsageError
from ws76proxy.wire.challenge import Challenge

__all__ = ["Cause", "all_causes", "answer_like", "as_asked", "cause_of", "within_a_sentence"]


@dataclass(frozen=True)
class Cause:
    """One or two bugs, and a server that has them. `code` joins their codes with ``+``."""

    bugs: tuple[Hypothesis, ...]
    server: Server

    @cached_property
    def code(self) -> str:
        """The codes of the bugs, joined with ``+``."""
        return "+".join([bug.code for bug in self.bugs])

    @cached_property
    def complexity(self) -> int:
        """How many bugs change something: the one that only leaves the checks out does not."""
        return sum([bool(bug.server.altered) for bug in self.bugs])

    @property
    def title(self) -> str:
        """What the server does, as a sentence without its full stop."""
        first, *second = [bug.title for bug in self.bugs]
        return " and ".join([first, *map(within_a_sentence, second)])

    @property
    def shows(self) -> str:
        """What a handshake must have for this to show; empty where nearly each one shows it."""
        shows = [bug.shows for bug in self.bugs]
        return " or ".join(dict.fromkeys(shows)) if all(shows) else ""


def within_a_sentence(title: str) -> str:
    """A title without the capital at its beginning, unless the first word has more of them."""
    rest = title.partition(" ")[0][1:]
    return title[:1].lower() + title[1:] if rest == rest.lower() else title


@cache
def all_causes() -> tuple[Cause, ...]:
    """Every hypothesis, then every pair of them at different stages.

    Among the single ones, those with a known carrier come first.
    """
    known = sorted(HYPOTHESES.values(), key=lambda one: not one.carriers)
    pairs = [_pair(*two) for two in combinations(HYPOTHESES.values(), 2)]
    return (
        *[Cause((one,), one.server) for one in known],
        *[pair for pair in pairs if pair is not None],
    )


def _pair(one: Hypothesis, other: Hypothesis) -> Cause | None:
    server = one.server.combined(other.server)
    is_pair = server is not None and one.server.altered and other.server.altered
    return Cause((one, other), server) if server is not None and is_pair else None


def cause_of(code: str) -> Cause:
    """The cause with that code: a hypothesis, or two joined with ``+`` in any order.

    Raises UsageError where there is no such hypothesis, or where the two exclude each other.
    """
    names = code.split("+")
    unknown = [name for name in names if name not in HYPOTHESES]
    if unknown:
        near = get_close_matches(unknown[0], HYPOTHESES, n=1, cutoff=0.5)
        hint = f"; the nearest is {near[0]}" if near else ""
        raise UsageError(f"{unknown[0]!r}: expected the code of a bug, found none such{hint}")
    bugs = [HYPOTHESES[name] for name in names]
    if len(bugs) == 1:
        return Cause((bugs[0],), bugs[0].server)
    pair = _pair(*bugs) if len(bugs) == 2 else None
    if pair is None:
        raise UsageError(f"these bugs cannot be combined: {code}; two at different stages can")
    return pair


def answer_like(code: str, asked: Challenge | Asked) -> bytes | None:
    """What a server with this bug sends behind its head; `code` as `cause_of` takes it.

    16 bytes, or as many as the bug makes of them. None where such a server has no answer: to keys
    that nothing can be computed from, or where the bug takes bytes that `asked` does not hold.
    Raises UsageError as `cause_of` does.
    """
    return cause_of(code).server.answer(as_asked(asked))


def as_asked(asked: Challenge | Asked) -> Asked:
    """A bare challenge as what a server has in hand."""
    return asked if isinstance(asked, Asked) else Asked(asked)
