"""Every case of the Autobahn suite against our RFC 6455, as a server and as a client, in memory.

Time is virtual: a case that waits ten seconds takes none. The subject is an echo that does with
faults and closings what a relay does: it answers with the code that the fault has, and a server
drops the connection.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from ws76proxy.wire import (
    Close,
    HeadRefused,
    Message,
    ProtocolFault,
    Response,
    TextMessages,
    rfc6455,
)
from ws76proxy.wire.events import Request

from .cases import cases, identifier, missing
from .fuzzer import Fuzzer, Verdict

_FEW = 4
"""Messages of a compression case: a thousand of each say no more, and take minutes."""


class Echo:
    """A server or a client that says what it hears."""

    def __init__(self, *, is_server: bool) -> None:
        self.is_server = is_server
        self.over = False
        self.leg: rfc6455.ServerConnection | rfc6455.ClientConnection
        if is_server:
            self.leg = rfc6455.ServerConnection()
        else:
            self.leg = client = rfc6455.ClientConnection()
            client.connect(resource="/", host="a.test", random_below=Random(76).randrange)

    def receive(self, data: bytes) -> None:
        """Bytes of the suite."""
        self.leg.receive_data(data)
        for event in self.leg.events():
            self._react(event)

    def _react(self, event: object) -> None:
        match event:
            case Request():
                assert isinstance(self.leg, rfc6455.ServerConnection)
                self.leg.accept()
            case Response():
                assert isinstance(self.leg, rfc6455.ClientConnection)
                assert self.leg.answer is not None
                assert self.leg.answer.acceptable
                self.leg.open()
                for one in self.leg.events():
                    self._react(one)
            case TextMessages() if not self.leg.sent_close:
                self.leg.send_texts(event.payloads)
            case Message(binary=True) if not self.leg.sent_close:
                self.leg.send_binary(event.payload)
            case Message() if not self.leg.sent_close:
                self.leg.send_text(event.payload)
            case Close():
                self.leg.send_close(event.code)
                self.over = self.is_server
            case ProtocolFault():
                self.leg.send_close(event.code, event.why)
                self.over = True
            case HeadRefused():
                self.over = True


def play(case: type[Any], *, is_server: bool) -> Verdict:
    """One case against a subject; the verdict of the suite."""
    fuzzer = Fuzzer(case, is_server=not is_server)
    subject = Echo(is_server=is_server)
    gone = False
    while True:
        said = fuzzer.take()
        heard = subject.leg.data_to_send()
        if said and not subject.over:
            for piece in said:
                subject.receive(piece)
            heard += subject.leg.data_to_send()
        if heard:
            fuzzer.receive(heard)
        elif subject.over or fuzzer.dropped:
            fuzzer.eof()
            gone = True
        elif not said:
            due = fuzzer.due
            assert due is not None, "nobody has anything to say"
            fuzzer.tick(due)
        if gone:
            return fuzzer.verdict


def few(case: type[Any]) -> type[Any]:
    """The same with fewer messages, where there are thousands."""
    if getattr(case, "COUNT", 0) <= _FEW:
        return case
    return type(case.__name__, (case,), {"COUNT": _FEW})


def all_cases() -> Iterator[Any]:
    """Each as a parameter."""
    if missing() is None:
        yield from (pytest.param(case, id=identifier(case)) for case in cases())


@pytest.mark.parametrize("is_server", [True, False], ids=["server", "client"])
@pytest.mark.parametrize("case", list(all_cases()))
def test_case(case: type[Any], is_server: bool) -> None:
    verdict = play(few(case), is_server=is_server)
    assert verdict.is_as_expected, verdict


def test_the_suite_is_there() -> None:
    why = missing()
    if why is not None and os.environ.get("CI"):
        pytest.fail(why, pytrace=False)
    if why is not None:
        pytest.skip(why)
    assert len(cases()) == 517


def test_a_wrong_subject_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an echo that answers everything with a Close, most cases do not think well."""
    if missing() is not None:
        pytest.skip("no cases")
    monkeypatch.setattr(Echo, "_react", lambda self, event: _answer_and_close(self, event))
    bad = [
        verdict
        for verdict in (play(few(case), is_server=True) for case in cases()[:60])
        if not verdict.is_as_expected
    ]
    assert len(bad) > 40


def _answer_and_close(echo: Echo, event: object) -> None:
    if isinstance(event, Request):
        assert isinstance(echo.leg, rfc6455.ServerConnection)
        echo.leg.accept()
        echo.leg.send_close(1000)
        echo.over = True
