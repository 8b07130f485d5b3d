"""What the answer repeats of the request: host, origin, subprotocol, resource name (5.1, 5.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from ws76proxy.probe.cases.making import opening_case
from ws76proxy.probe.judges import Expect
from ws76proxy.probe.model import Case, Requirement
from ws76proxy.probe.opening import Alteration, Line, Opening

__all__ = ["CASES"]

MUST, SHOULD, MAY = Requirement.MUST, Requirement.SHOULD, Requirement.MAY
_HOST, _ORIGIN, _PROTOCOL = b"Host", b"Origin", b"Sec-WebSocket-Protocol"


class _Row(NamedTuple):
    name: str
    sends: str
    wants: str
    change: Alteration
    expect: Expect = Expect.EITHER
    requirement: Requirement = MAY
    fields: tuple[str, ...] = ()
    tolerated: tuple[str, ...] = ()


def _value(name: bytes, value: bytes) -> Alteration:
    return lambda opening: opening.with_value(name, value)


def _changed(name: bytes, change: Callable[[bytes], bytes]) -> Alteration:
    return lambda opening: opening.with_value(name, change(opening.value(name)))


def _query(text: bytes) -> Alteration:
    def change(opening: Opening) -> Opening:
        separator = b"&" if b"?" in opening.resource else b"?"
        return replace(opening, resource=opening.resource + separator + text)

    return change


def _path(text: bytes) -> Alteration:
    def change(opening: Opening) -> Opening:
        path, question, query = opening.resource.partition(b"?")
        return replace(opening, resource=path.rstrip(b"/") + text + question + query)

    return change


def _without_port(host: bytes) -> bytes:
    name, colon, port = host.rpartition(b":")
    return name if colon and port.isdigit() else host


def _with_port_80(host: bytes) -> bytes:
    return _without_port(host) + b":80"


def _absolute(opening: Opening) -> Opening:
    return replace(opening, resource=b"ws://" + opening.value(_HOST) + opening.resource)


_REBINDING = "abort: the field is absent or not the server's host name, as in DNS rebinding"
_STRANGE = "abort, unless the server means to talk to pages of every origin"
_ORIGIN_BACK = "abort, or 101 with that origin in Sec-WebSocket-Origin"
_PROTOCOL_BACK = "abort, or 101 with that value in Sec-WebSocket-Protocol"
_LOCATION_BACK = "101, and in Sec-WebSocket-Location the resource name as it was sent"
_LOCATION = ("location-*",)
_ORIGINS = ("origin-*",)
# A server may ignore the field (5.1); that the client then fails is its own risk.
_IGNORED = ("protocol-not-echoed",)

_HOSTS = (
    _Row(
        "absent",
        "no Host",
        _REBINDING,
        lambda opening: opening.without(_HOST),
        Expect.REFUSE,
        SHOULD,
    ),
    _Row(
        "foreign",
        "Host: rebound.example",
        _REBINDING,
        _value(_HOST, b"rebound.example"),
        Expect.REFUSE,
        SHOULD,
    ),
    _Row(
        "twice",
        "Host twice, the second one foreign",
        "abort: the handshake does not match the description",
        lambda opening: opening.adding(Line(_HOST, b"rebound.example")),
        Expect.REFUSE,
        SHOULD,
    ),
    _Row(
        "without-port",
        "Host without a port",
        "abort, or 101 with a location that has that host",
        _changed(_HOST, _without_port),
        fields=_LOCATION,
    ),
    _Row(
        "port-80",
        "Host with the port 80",
        "abort, or 101 with a location that leaves the port out if it is the scheme's",
        _changed(_HOST, _with_port_80),
        fields=_LOCATION,
        tolerated=("location-default-port",),
    ),
    _Row(
        "upper-case",
        "Host in upper case",
        "abort, or 101 with a location that has that host",
        _value(_HOST, b"LOCALHOST:8076"),
        fields=_LOCATION,
    ),
)

_ORIGIN_ROWS = (
    _Row(
        "absent",
        "no Origin, as from a client that is no browser",
        "abort: the field is absent",
        lambda opening: opening.without(_ORIGIN),
        Expect.REFUSE,
        SHOULD,
    ),
    _Row(
        "foreign",
        "Origin: http://stranger.example",
        _STRANGE,
        _value(_ORIGIN, b"http://stranger.example"),
        Expect.REFUSE,
        SHOULD,
        _ORIGINS,
    ),
    _Row(
        "null",
        "Origin: null, as from a page in a file",
        _ORIGIN_BACK,
        _value(_ORIGIN, b"null"),
        fields=_ORIGINS,
    ),
    _Row(
        "https",
        "an Origin of https",
        _ORIGIN_BACK,
        _value(_ORIGIN, b"https://page.example"),
        fields=_ORIGINS,
    ),
    _Row(
        "upper-case",
        "an Origin in upper case",
        "abort, or 101 with that origin, in lower case or as it came",
        _changed(_ORIGIN, bytes.upper),
        fields=_ORIGINS,
    ),
    _Row(
        "empty",
        "Origin without a value",
        "abort, or 101 with an empty origin",
        _value(_ORIGIN, b""),
        fields=_ORIGINS,
        tolerated=_ORIGINS,
    ),
    _Row(
        "twice",
        "Origin twice, the second one foreign",
        "abort: the handshake does not match the description",
        lambda opening: opening.adding(Line(_ORIGIN, b"http://stranger.example")),
        Expect.REFUSE,
        SHOULD,
    ),
)

_PROTOCOLS = (
    ("one", "Sec-WebSocket-Protocol: ws76proxy.probe", b"ws76proxy.probe"),
    ("spaces", "a subprotocol with a space in its name", b"probe of ws76proxy"),
    ("list", "a subprotocol that looks like a list", b"probe, other"),
    ("odd-characters", "a subprotocol with quotes, brackets and a semicolon", b'p"r{o}b;e<>'),
)

_RESOURCES = (
    ("query", "a query", b"probe=1&room=2"),
    ("percent", "a query with percent escapes", b"probe=%2Fa%20b%C3%BC%25"),
    ("odd-characters", "a query with characters that need no escape", b"probe=!$'()*+,;:@/?~"),
)

CASES: tuple[Case, ...] = (
    *(
        opening_case(
            f"76.{group}.{row.name}",
            row.sends,
            row.wants,
            "5.1",
            row.change,
            expect=row.expect,
            requirement=row.requirement,
            fields=row.fields,
            tolerated=row.tolerated,
        )
        for group, rows in (("host", _HOSTS), ("origin", _ORIGIN_ROWS))
        for row in rows
    ),
    *(
        opening_case(
            f"76.protocol.{name}",
            sends,
            _PROTOCOL_BACK,
            "5.1, 5.2",
            _value(_PROTOCOL, value),
            expect=Expect.EITHER,
            requirement=MAY,
            fields=("protocol-*",),
            tolerated=_IGNORED,
        )
        for name, sends, value in _PROTOCOLS
    ),
    opening_case(
        "76.protocol.empty",
        "Sec-WebSocket-Protocol without a value",
        "abort, or 101 and the digest: the empty string is not the same as no subprotocol",
        "5.2, step 2",
        _value(_PROTOCOL, b""),
        expect=Expect.EITHER,
        requirement=MAY,
        fields=("protocol-*",),
        tolerated=_IGNORED,
    ),
    *(
        opening_case(
            f"76.resource.{name}",
            f"a resource name with {sends}",
            _LOCATION_BACK,
            "5.2, steps 2 and 3",
            _query(text),
            requirement=SHOULD,
            fields=_LOCATION,
        )
        for name, sends, text in _RESOURCES
    ),
    opening_case(
        "76.resource.path",
        "a resource name with percent escapes in its path",
        _LOCATION_BACK,
        "5.2, steps 2 and 3",
        _path(b"/a%20b%2Fc%C3%BC"),
        requirement=SHOULD,
        fields=_LOCATION,
    ),
    opening_case(
        "76.resource.long",
        "a resource name of more than 2,000 characters",
        _LOCATION_BACK,
        "5.2, steps 2 and 3",
        _query(b"probe=" + b"0123456789" * 200),
        requirement=SHOULD,
        fields=_LOCATION,
    ),
    opening_case(
        "76.resource.absolute",
        "the whole URL as the resource name, as to a proxy",
        "abort: a resource name begins with a slash; or 101 with that URL as the location",
        "5.1",
        _absolute,
        expect=Expect.EITHER,
        requirement=MAY,
        fields=_LOCATION,
        tolerated=_LOCATION,
    ),
)
