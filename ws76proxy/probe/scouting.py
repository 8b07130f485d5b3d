"""The first connections: does the server open, in which dialect, and does it echo?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ws76proxy.probe.keys import entropy
from ws76proxy.probe.model import Facts
from ws76proxy.probe.opening import right_opening
from ws76proxy.probe.script import Script, Send, Until, Wait
from ws76proxy.probe.target import Target
from ws76proxy.probe.witness import Witness
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.frames import encode_text

__all__ = ["Scout", "scouts"]

_MESSAGE = b"does this server echo?"
_APART = 0.1


@dataclass(frozen=True, slots=True)
class Scout:
    """A right handshake and, where `echo` is looked for, one message; `what` names it in words."""

    dialect: Dialect
    what: str
    script: Script

    def learn(self, facts: Facts, witness: Witness) -> Facts:
        """What is known after it."""
        if not witness.is_open:
            return facts
        opened = replace(facts, opens=facts.opens | {self.dialect})
        # Anywhere: a server that puts bytes in front of its frames echoes all the same, wrongly.
        if _MESSAGE not in witness.beginning:
            return opened
        echoing = replace(opened, echoes=facts.echoes | {self.dialect})
        if _MESSAGE not in witness.payloads:
            return echoing
        before = witness.payloads[: witness.payloads.index(_MESSAGE)]
        return replace(echoing, greetings=facts.greetings | frozenset(before))


def scouts(target: Target, dialects: Iterable[Dialect], *, echo: bool) -> Iterator[Scout]:
    """The scouts for these dialects; a later one of the same dialect is for where others failed."""
    wanted = set(dialects)
    if Dialect.HIXIE_76 in wanted:
        yield _scout(target, Dialect.HIXIE_76, echo=echo)
        yield _scout(target, Dialect.HIXIE_76, echo=echo, apart=True)
    if Dialect.HIXIE_75 in wanted:
        yield _scout(target, Dialect.HIXIE_75, echo=echo)


def _scout(target: Target, dialect: Dialect, *, echo: bool, apart: bool = False) -> Scout:
    opening = right_opening(target, dialect, entropy(f"scout of {dialect}"))
    send = Send((opening.head, opening.key3), _APART) if apart else Send((opening.raw,))
    talk = (Send((encode_text(_MESSAGE),)), Wait(Until.ECHOED, _MESSAGE)) if echo else ()
    what = f"{dialect} with key3 in a segment of its own" if apart else str(dialect)
    return Scout(dialect, what, Script(opening, (send, Wait(Until.ANSWERED)), talk))
