"""A whole run: first what the server is able to do, then each case on a connection of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ws76proxy.errors import Ws76Error
from ws76proxy.probe.connection import connect, perform
from ws76proxy.probe.model import Case, Facts, Judgement, Report, Result, Verdict
from ws76proxy.probe.pace import Pace
from ws76proxy.probe.redaction import redact
from ws76proxy.probe.scouting import scouts
from ws76proxy.probe.script import Script
from ws76proxy.probe.target import Target
from ws76proxy.probe.witness import KEPT, Outcome, Witness
from ws76proxy.wire.dialect import Dialect
from ws76proxy.words import in_words, upstream_tls_in_words

__all__ = ["RunOptions", "UnreachableError", "probe"]

_DEATHS = 20
_TLS_ALERT = b"\x15\x03"


class UnreachableError(Ws76Error):
    """There is no server there, or none that opens a WebSocket; the text says what there is."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a server is probed.

    `timeout` seconds are the longest wait for anything; at most `rate` connections are opened in a
    second, and `concurrency` are open at once. Without `echo` no case is tried that needs one.
    `context` is what TLS is spoken with, for wss. Only with `show_secrets` results keep the values
    of the target's own fields.
    """

    timeout: float = 5.0
    rate: float = 20.0
    concurrency: int = 1
    echo: bool = True
    context: ssl.SSLContext | None = None
    show_secrets: bool = False


async def probe(
    target: Target,
    cases: Sequence[Case],
    options: RunOptions,
    told: Callable[[Result], None] = lambda result: None,
) -> Report:
    """Try the cases on a server, and tell each result as it comes.

    A case is told again when its result changes: a server that is gone after it has ended because
    of it. Raises UnreachableError where no connection or no WebSocket can be opened at all.
    """
    return await _Run(target, options, told).run(cases)


class _GoneError(Exception):
    """No connection could be made; the text says why."""


class _Run:
    def __init__(self, target: Target, options: RunOptions, told: Callable[[Result], None]) -> None:
        self._target = target
        self._options = options
        self._told = told
        self._pace = Pace(options.rate)
        self._starting = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._facts = Facts()
        self._results: dict[str, Result] = {}
        self._waiting: deque[Case] = deque()
        # Behind which the server may have ended: the last one, or all that overlapped.
        overlapping = 1 if options.concurrency == 1 else 2 * options.concurrency
        self._recent: deque[Case] = deque(maxlen=overlapping)
        self._deaths = 0
        self._gone: str | None = None
        self._answered: Script | None = None

    async def run(self, cases: Sequence[Case]) -> Report:
        began = self._loop.time()
        self._facts = await self._scout({case.dialect for case in cases})
        for case in cases:
            why = case.not_applicable(self._facts, secure=self._target.endpoint.secure)
            if why is None:
                self._waiting.append(case)
            else:
                self._tell(Result(case, Judgement(Verdict.NOT_APPLICABLE, why)))
        while self._waiting:
            await asyncio.gather(*(self._work() for _ in range(self._options.concurrency)))
            if self._gone is None:
                self._gone = await self._absence()
            if self._gone is not None:
                await self._blame(self._gone)
        results = tuple(self._results[case.name] for case in cases)
        return Report(self._target.url, self._facts, results, self._loop.time() - began)

    # What the server is

    async def _scout(self, dialects: set[Dialect]) -> Facts:
        facts = Facts()
        witnesses: list[Witness] = []
        seen: list[str] = []
        for scout in scouts(self._target, dialects, echo=self._options.echo):
            if scout.dialect in facts.opens:
                continue
            try:
                witness = await self._perform(scout.script)
            except _GoneError as error:
                expected = f"{self._target.url}: expected a server there"
                raise UnreachableError(f"{expected}, found none: {error}") from None
            witnesses.append(witness)
            if self._answered is None and witness.head is not None:
                self._answered = replace(scout.script, talk=())
            seen.append(f"to {scout.what} the server {witness.in_words}")
            facts = scout.learn(facts, witness)
        if not any(one.head is not None and one.head.status == 101 for one in witnesses):
            expected = f"{self._target.url}: expected 101 to a right opening handshake"
            tls = any(one.beginning.startswith(_TLS_ALERT) for one in witnesses)
            hint = "; that is TLS: expected wss:// for this port" if tls else ""
            raise UnreachableError(f"{expected}, found: {'; '.join(seen)}{hint}")
        return facts

    # The cases

    async def _work(self) -> None:
        while self._waiting and self._gone is None:
            case = self._waiting.popleft()
            try:
                is_suspicious = await self._try(case)
            except _GoneError as error:
                self._waiting.appendleft(case)
                self._gone = str(error)
                return
            if is_suspicious and self._gone is None:
                # Another worker may have found out in the meantime.
                self._gone = await self._absence() or self._gone

    async def _try(self, case: Case) -> bool:
        """Try a case and tell its result; whether the server itself may have ended with it."""
        script = case.script(self._target)
        began = self._loop.time()
        witness = await self._perform(script)
        judgement = case.judge(witness, self._facts)
        seconds = self._loop.time() - began
        self._recent.append(case)
        sent, received = script.sent[:KEPT], witness.beginning
        if not self._options.show_secrets:
            sent, received = redact(sent, self._target), redact(received, self._target)
        self._tell(Result(case, judgement, sent, received, seconds))
        if witness.ended is None:
            return False
        # A server that refuses in words is alive; one that only closes may have fallen over.
        return judgement.verdict is Verdict.FAILED or witness.outcome is not Outcome.REFUSED

    def _tell(self, result: Result) -> None:
        self._results[result.case.name] = result
        self._told(result)

    async def _perform(self, script: Script) -> Witness:
        reader, writer = await self._connect()
        return await perform(
            script,
            reader,
            writer,
            secure=self._target.endpoint.secure,
            patience=self._options.timeout,
        )

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with self._starting:
            # No event tells that it is time, and a sleep may end a little too early.
            while (ahead := self._pace.ahead(now := self._loop.time())) > 0:  # noqa: ASYNC110
                await asyncio.sleep(ahead)
            self._pace.start(now)
        seconds = self._options.timeout
        try:
            return await connect(self._target.endpoint, self._options.context, seconds)
        except TimeoutError:
            raise _GoneError(f"no connection within {seconds:g} s") from None
        except ssl.SSLError as error:
            raise _GoneError(upstream_tls_in_words(error)) from None
        except OSError as error:
            raise _GoneError(in_words(error)) from None

    # A server that ends

    async def _absence(self) -> str | None:
        """Why a right handshake gets no answer, or None when it gets one.

        To connect is not enough: the system still accepts connections for a process that dies.
        """
        assert self._answered is not None  # noqa: S101 - no case is tried without an answer
        try:
            witness = await self._perform(self._answered)
        except _GoneError as error:
            return str(error)
        return None if witness.head is not None else f"it {witness.in_words}"

    async def _returns(self) -> bool:
        """Whether the server is there again in time: something may start it anew."""
        try:
            async with asyncio.timeout(self._options.timeout):
                while await self._absence() is not None:
                    pass
        except TimeoutError:
            return False
        return True

    async def _blame(self, gone: str) -> None:
        """Say which case the server ended after, and go on if it comes back."""
        self._deaths += 1
        suspects = list(self._recent)
        self._recent.clear()
        back = self._deaths <= _DEATHS and await self._returns()
        if len(suspects) > 1 and back:
            suspects, back = await self._culprits(suspects)
        for case in suspects:
            self._convict(case, gone, len(suspects) if not back else 1)
        if back:
            self._gone = None
            return
        came = f"not tried: the server was gone ({gone})"
        while self._waiting:
            self._tell(Result(self._waiting.popleft(), Judgement(Verdict.NOT_APPLICABLE, came)))

    async def _culprits(self, suspects: Sequence[Case]) -> tuple[list[Case], bool]:
        """After which of several cases the server ends when each is tried alone; is it back?"""
        culprits: list[Case] = []
        for case in suspects:
            try:
                await self._try(case)
            except _GoneError:
                return culprits, False
            if await self._absence() is not None:
                culprits.append(case)
                if not await self._returns():
                    return culprits, False
        self._recent.clear()
        return culprits, True

    def _convict(self, case: Case, gone: str, among: int) -> None:
        result = self._results[case.name]
        # Of several at once that could not be tried alone, nobody knows which it was.
        where = f" after one of {among} cases" if among > 1 else ""
        came = f"{result.judgement.came}; then the server was gone{where}: {gone}"
        judgement = replace(result.judgement, verdict=Verdict.FAILED, came=came)
        self._tell(replace(result, judgement=judgement))
