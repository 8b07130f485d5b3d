"""A case against a server without I/O: what is sent is heard at once, and no time passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ws76proxy.endpoint import Endpoint
from ws76proxy.probe.cases import CASES
from ws76proxy.probe.model import Case, Facts, Judgement, Verdict
from ws76proxy.probe.script import Finish, Script, Send, Step, Wait
from ws76proxy.probe.target import Target
from ws76proxy.probe.witness import Ended, Witness
from ws76proxy.wire.dialect import Dialect

from .strict import StrictServer

TARGET = Target(Endpoint(False, "127.0.0.1", 8076), "/echo?room=1")
SECURE_TARGET = Target(Endpoint(True, "127.0.0.1", 8076), "/echo?room=1")
BOTH = frozenset({Dialect.HIXIE_76, Dialect.HIXIE_75})
FACTS = Facts(opens=BOTH, echoes=BOTH)
PATIENCE = 5.0

ServerFactory = Callable[[], StrictServer]


def play(script: Script, server: StrictServer) -> Witness:
    """Carry a script out."""
    witness = Witness(script, secure=server.secure)
    _each(script.steps, server, witness)
    if witness.is_open:
        _each(script.talk, server, witness)
    return witness


def _each(steps: Iterable[Step], server: StrictServer, witness: Witness) -> None:
    for step in steps:
        if isinstance(step, Send):
            for segment in step.segments:
                if witness.ended is None:
                    _hear(witness, server, server.receive(segment))
        elif isinstance(step, Finish):
            server.eof()
            _hear(witness, server, b"")
        elif isinstance(step, Wait) and not witness.reached(step.until, step.text):
            witness.end(Ended.TIME, PATIENCE)
        if witness.ended is not None:
            return


def _hear(witness: Witness, server: StrictServer, out: bytes) -> None:
    if out:
        witness.receive(out)
    if server.closed:
        witness.end(Ended.CLOSED)


def judged(case: Case, factory: ServerFactory, target: Target = TARGET) -> Judgement:
    """What a case thinks of a server."""
    return case.judge(play(case.script(target), factory()), FACTS)


def names(factory: ServerFactory, verdict: Verdict) -> set[str]:
    """The cases with that verdict."""
    return {case.name for case in CASES if judged(case, factory).verdict is verdict}
