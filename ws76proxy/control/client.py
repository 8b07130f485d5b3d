"""Asks a relay over its control socket, from a program that has nothing else to do meanwhile."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from ws76proxy.control.messages import (
    PROTOCOL,
    AnyAnswer,
    AnyRequest,
    DoneAnswer,
    DropRequest,
    EditRequest,
    ErrorAnswer,
    Greeting,
    HeldAnswer,
    HeldMessage,
    HeldRequest,
    OpenSession,
    RefusedError,
    ReleaseRequest,
    SessionsAnswer,
    SessionsRequest,
    ShownAnswer,
    ShowRequest,
    WatchingAnswer,
    WatchRequest,
)
from ws76proxy.errors import Ws76Error
from ws76proxy.words import in_words

__all__ = ["ControlClient", "ControlError"]

_Answer = TypeVar("_Answer", bound=AnyAnswer)


class ControlError(Ws76Error):
    """There is no talking to that relay; the text says why."""


class ControlClient:
    """One connection; a context manager.

    Each method asks and waits for the answer, `timeout` seconds at most. They raise `RefusedError`
    where the relay refuses, and `ControlError` where there is no relay that understands.
    """

    def __init__(self, path: Path, timeout: float = 10.0) -> None:
        self._path = path
        self._timeout = timeout
        self._ids = itertools.count(1)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        try:
            self._socket.settimeout(self._timeout)
            try:
                self._socket.connect(os.fspath(self._path))
            except OSError as error:
                hint = "no relay with --control serves it"
                if isinstance(error, TimeoutError):
                    hint = f"no answer within {self._timeout:g} s"
                raise ControlError(f"{self._path}: {hint} ({in_words(error)})") from None
            self._greet()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        self._lines.close()
        self._socket.close()

    def held(self) -> list[HeldMessage]:
        """The messages that wait, each with the beginning of its content."""
        return self._ask(HeldRequest(id=next(self._ids)), HeldAnswer).messages

    def show(self, name: str) -> HeldMessage:
        """One of them with all of its content."""
        return self._ask(ShowRequest(id=next(self._ids), message=name), ShownAnswer).message

    def release(self, name: str) -> None:
        """It goes on as it is."""
        self._ask(ReleaseRequest(id=next(self._ids), message=name), DoneAnswer)

    def edit(self, name: str, content: bytes) -> None:
        """It goes on with another content."""
        request = EditRequest(id=next(self._ids), message=name, payload=content)
        self._ask(request, DoneAnswer)

    def drop(self, name: str) -> None:
        """It does not go on."""
        self._ask(DropRequest(id=next(self._ids), message=name), DoneAnswer)

    def sessions(self) -> list[OpenSession]:
        """The sessions that are open."""
        return self._ask(SessionsRequest(id=next(self._ids)), SessionsAnswer).sessions

    def watch(self, *, records: bool = False) -> Iterator[bytes]:
        """The answer to `watch`, then each event as it comes, as lines; until the relay ends."""
        request = WatchRequest(id=next(self._ids), records=records)
        self._send(request)
        line = self._line()
        self._read(line, WatchingAnswer)
        self._socket.settimeout(None)
        while line:
            yield line
            line = self._line(may_end=True)

    def _greet(self) -> None:
        greeting = self._read(self._line(), Greeting)
        if greeting.protocol != PROTOCOL:
            raise ControlError(
                f"{self._path}: found version {greeting.protocol} of the control protocol"
                f" ({greeting.tool}); expected {PROTOCOL}"
            )

    def _ask(self, request: AnyRequest, kind: type[_Answer]) -> _Answer:
        self._send(request)
        return self._read(self._line(), kind)

    def _send(self, request: AnyRequest) -> None:
        try:
            self._socket.sendall(msgspec.json.encode(request) + b"\n")
        except OSError as error:
            raise self._broken(error) from None

    def _read(self, line: bytes, kind: type[_Answer]) -> _Answer:
        try:
            answer = msgspec.json.decode(line, type=AnyAnswer)
        except msgspec.DecodeError as error:
            raise ControlError(
                f"{self._path}: found an answer that is none of ws76proxy's ({error});"
                " expected the control socket of a relay"
            ) from None
        if isinstance(answer, ErrorAnswer):
            raise RefusedError(answer.code, answer.found, answer.expected)
        if not isinstance(answer, kind):
            raise ControlError(f"{self._path}: found an answer to something else")
        return answer

    def _line(self, *, may_end: bool = False) -> bytes:
        """The next line, without its end; nothing where it has ended and that is no fault."""
        try:
            line = self._lines.readline()
        except OSError as error:
            raise self._broken(error) from None
        if not line.endswith(b"\n") and (line or not may_end):
            raise ControlError(f"{self._path}: the relay has ended the connection")
        return line.removesuffix(b"\n")

    def _broken(self, error: OSError) -> ControlError:
        if isinstance(error, TimeoutError):
            return ControlError(f"{self._path}: no answer within {self._timeout:g} s")
        return ControlError(f"{self._path}: {in_words(error)}")
