"""The request's first line and fields: their order, letters, spaces and number (5.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ws76proxy.probe.cases.making import opening_case
from ws76proxy.probe.judges import Expect
from ws76proxy.probe.model import Case, Requirement
from ws76proxy.probe.opening import KEY1, KEY2, Alteration, Line, Opening

__all__ = ["CASES"]

MUST, SHOULD, MAY = Requirement.MUST, Requirement.SHOULD, Requirement.MAY


class _Row(NamedTuple):
    name: str
    sends: str
    wants: str
    change: Alteration
    expect: Expect = Expect.OPEN
    requirement: Requirement = MUST
    may_wait: bool = False


def _reversed(opening: Opening) -> Opening:
    return replace(opening, lines=opening.lines[::-1])


def _keys_first(opening: Opening) -> Opening:
    keys = tuple(line for line in opening.lines if line.name in (KEY1, KEY2))
    return replace(opening, lines=keys + opening.without(KEY1, KEY2).lines)


def _lower(opening: Opening) -> Opening:
    lines = (replace(line, name=line.name.lower()) for line in opening.lines)
    return replace(opening, lines=tuple(lines))


def _upper(opening: Opening) -> Opening:
    lines = (replace(line, name=line.name.upper()) for line in opening.lines)
    return replace(opening, lines=tuple(lines))


def _no_space(opening: Opening) -> Opening:
    lines = (replace(line, separator=b":") for line in opening.lines)
    return replace(opening, lines=tuple(lines))


def _spaced(opening: Opening) -> Opening:
    spaced = [
        replace(line, separator=b":   ", value=line.value + b"  ")
        if line.name in (b"Upgrade", b"Connection", b"Host", b"Origin")
        else line
        for line in opening.lines
    ]
    return replace(opening, lines=tuple(spaced))


def _value(name: bytes, value: bytes) -> Alteration:
    return lambda opening: opening.with_value(name, value)


def _without(name: bytes) -> Alteration:
    return lambda opening: opening.without(name)


def _more(*lines: Line) -> Alteration:
    return lambda opening: opening.adding(*lines)


_ANY_ORDER = "101 and the digest: the fields come in random order"
_NAMES = "101 and the digest: names are compared without regard to ASCII case"
_VALUES = "101 and the digest: the value is compared without regard to ASCII case"
_UNKNOWN = "101 and the digest: unrecognized fields can be safely ignored"
_COOKIE = "101 and the digest: cookies mean what they mean in HTTP"
_ABORT = "abort: the handshake does not match the description"
_UPGRADE = "abort: the field is absent or has another value, as in a cross-protocol attack"
_LENIENT = "abort, or 101 and the digest"

_LONG = Line(b"X-Probe", b"long " * 1_600)
_MANY = tuple(Line(f"X-Probe-{number}".encode(), b"one of many") for number in range(60))

_ROWS = (
    _Row("reversed", "the fields in reverse order", _ANY_ORDER, _reversed),
    _Row("keys-first", "both keys before all other fields", _ANY_ORDER, _keys_first),
    _Row("lower-case", "all names in lower case", _NAMES, _lower),
    _Row("upper-case", "all names in upper case", _NAMES, _upper),
    _Row("upgrade-lower", "Upgrade: websocket", _VALUES, _value(b"Upgrade", b"websocket")),
    _Row("connection-lower", "Connection: upgrade", _VALUES, _value(b"Connection", b"upgrade")),
    _Row("empty-value", "a field without a value", _UNKNOWN, _more(Line(b"X-Probe", b""))),
    _Row(
        "utf8",
        "a field with a value that is not ASCII, as UTF-8",
        "101 and the digest: the fields are encoded as UTF-8",
        _more(Line(b"X-Probe", "Grüße, 世界".encode())),
    ),
    _Row("cookie", "two cookies", _COOKIE, _more(Line(b"Cookie", b"probe=1; other=a b"))),
    _Row(
        "cookie-4k",
        "a cookie of 4,000 bytes",
        _COOKIE,
        _more(Line(b"Cookie", b"probe=" + b"c" * 4_000)),
        requirement=SHOULD,
    ),
    _Row("long", "a field of 8,000 bytes", _UNKNOWN, _more(_LONG), requirement=SHOULD),
    _Row("many", "sixty more fields", _UNKNOWN, _more(*_MANY), requirement=SHOULD),
    _Row(
        "spaces-around",
        "values with spaces in front and behind, as HTTP allows",
        _LENIENT,
        _spaced,
        Expect.EITHER,
        MAY,
    ),
    _Row(
        "no-space",
        "no space behind the colons, as HTTP allows",
        _LENIENT,
        _no_space,
        Expect.EITHER,
        MAY,
    ),
    _Row(
        "content-length",
        "Content-Length: 8, as some clients have it for key3",
        _LENIENT,
        _more(Line(b"Content-Length", b"8")),
        Expect.EITHER,
        MAY,
    ),
    _Row(
        "empty-line-first",
        "an empty line before the request line",
        _LENIENT,
        lambda opening: replace(opening, before=b"\r\n"),
        Expect.EITHER,
        MAY,
    ),
    _Row(
        "connection-list",
        "Connection: keep-alive, Upgrade",
        _LENIENT,
        _value(b"Connection", b"keep-alive, Upgrade"),
        Expect.EITHER,
        MAY,
    ),
    _Row(
        "bare-line-feeds",
        "lines that end in LF without CR",
        "abort, or wait on: the fields end with the bytes 0D 0A 0D 0A, which never come",
        lambda opening: replace(opening, line_end=b"\n"),
        Expect.REFUSE,
        SHOULD,
        may_wait=True,
    ),
    _Row(
        "no-colon",
        "a line without a colon",
        _ABORT,
        _more(Line(b"no colon here", b"", b"")),
        Expect.REFUSE,
        SHOULD,
    ),
    _Row(
        "no-name",
        "a line that begins with its colon",
        _ABORT,
        _more(Line(b"", b"no name")),
        Expect.REFUSE,
        SHOULD,
    ),
    _Row("no-upgrade", "no Upgrade", _UPGRADE, _without(b"Upgrade"), Expect.REFUSE, SHOULD),
    _Row(
        "other-upgrade",
        "Upgrade: TLS/1.0",
        _UPGRADE,
        _value(b"Upgrade", b"TLS/1.0"),
        Expect.REFUSE,
        SHOULD,
    ),
    _Row(
        "no-connection", "no Connection", _UPGRADE, _without(b"Connection"), Expect.REFUSE, SHOULD
    ),
    _Row(
        "other-connection",
        "Connection: close",
        _UPGRADE,
        _value(b"Connection", b"close"),
        Expect.REFUSE,
        SHOULD,
    ),
    _Row(
        "post",
        "the method POST",
        "abort: a handshake begins with GET",
        lambda opening: replace(opening, method=b"POST"),
        Expect.REFUSE,
        SHOULD,
    ),
    _Row(
        "http-1-0",
        "a request line that ends in HTTP/1.0",
        "101 and the digest: what stands behind the resource name can be safely ignored",
        lambda opening: replace(opening, version=b"HTTP/1.0"),
        requirement=SHOULD,
    ),
)

CASES: tuple[Case, ...] = tuple(
    opening_case(
        f"76.fields.{row.name}",
        row.sends,
        row.wants,
        "5.1",
        row.change,
        expect=row.expect,
        requirement=row.requirement,
        may_wait=row.may_wait,
    )
    for row in _ROWS
)
