"""A client's opening handshake as data, so that a case can change one thing of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from ws76proxy.probe.keys import easy_key, easy_key3
from ws76proxy.probe.target import Target
from ws76proxy.wire.challenge import Challenge, RandomBelow
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import RequestHead
from ws76proxy.wire.hixie76 import challenge_of

__all__ = ["KEY1", "KEY2", "Alteration", "Line", "Opening", "right_opening"]

KEY1 = b"Sec-WebSocket-Key1"
KEY2 = b"Sec-WebSocket-Key2"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a request after the first; a name without separator is a line without colon."""

    name: bytes
    value: bytes
    separator: bytes = b": "


@dataclass(frozen=True, slots=True)
class Opening:
    """An opening handshake, right or wrong: every byte of it is somebody's decision (4.1).

    `before` are bytes ahead of the first line; `key3` is empty in hixie-75.
    """

    dialect: Dialect
    resource: bytes
    lines: tuple[Line, ...]
    key3: bytes = b""
    method: bytes = b"GET"
    version: bytes = b"HTTP/1.1"
    line_end: bytes = b"\r\n"
    before: bytes = b""

    @property
    def head(self) -> bytes:
        """The request up to its blank line, that included."""
        first = b" ".join([self.method, self.resource, self.version])
        lines = [first, *(line.name + line.separator + line.value for line in self.lines)]
        return self.before + b"".join([line + self.line_end for line in [*lines, b""]])

    @property
    def raw(self) -> bytes:
        """All of it: the head and key3."""
        return self.head + self.key3

    @property
    def request(self) -> RequestHead:
        """The head as a server reads it."""
        return RequestHead(self.head)

    @property
    def challenge(self) -> Challenge | None:
        """What a hixie-76 server has to answer; None where a key is missing."""
        return challenge_of(self.request, self.key3)

    def value(self, name: bytes) -> bytes:
        """The first value of a field that is there."""
        return next(line.value for line in self.lines if line.name == name)

    def with_value(self, name: bytes, value: bytes) -> Self:
        """Another value in a field, or the field at the end where there was none."""
        if all(line.name != name for line in self.lines):
            return self.adding(Line(name, value))
        return replace(
            self,
            lines=tuple(
                replace(line, value=value) if line.name == name else line for line in self.lines
            ),
        )

    def without(self, *names: bytes) -> Self:
        """The same without these fields."""
        kept = tuple(line for line in self.lines if line.name not in names)
        return replace(self, lines=kept)

    def adding(self, *lines: Line) -> Self:
        """The same with more lines at the end."""
        return replace(self, lines=(*self.lines, *lines))

    def with_keys(self, key1: bytes | None = None, key2: bytes | None = None) -> Self:
        """The same with another first key, second key, or both."""
        changed = self
        for name, key in ((KEY1, key1), (KEY2, key2)):
            if key is not None:
                changed = changed.with_value(name, key)
        return changed


Alteration = Callable[[Opening], Opening]
"""What a case changes in a right opening handshake."""


def right_opening(target: Target, dialect: Dialect, random_below: RandomBelow) -> Opening:
    """A handshake as the draft's client makes it, for that server (4.1; draft-75 4.1).

    The keys and key3 are easy ones: a case about something else must not fail because of them.
    """
    is_76 = dialect is Dialect.HIXIE_76
    lines = [
        Line(b"Upgrade", b"WebSocket"),
        Line(b"Connection", b"Upgrade"),
        Line(b"Host", target.endpoint.authority.encode("latin-1")),
        Line(b"Origin", target.asked_origin.encode("latin-1")),
    ]
    if target.protocol is not None:
        name = b"Sec-WebSocket-Protocol" if is_76 else b"WebSocket-Protocol"
        lines.append(Line(name, target.protocol.encode("latin-1")))
    for name_of_extra, value in target.extra:
        lines.append(Line(name_of_extra.encode("latin-1"), value.encode("latin-1")))
    key3 = b""
    if is_76:
        lines += [Line(KEY1, easy_key(random_below)), Line(KEY2, easy_key(random_below))]
        key3 = easy_key3(random_below)
    return Opening(dialect, target.resource.encode("latin-1"), tuple(lines), key3)
