"""Which location a client must find in the answer, and how another one differs (3.2, 4.1, 5.2)."""

from __future__ import annotations

from typing import NamedTuple

from ws76proxy.diagnosis.checks.heads import HeadFindings
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.wire.head import Field, RequestHead

__all__ = ["check_location", "expected_location"]


class _Location(NamedTuple):
    scheme: bytes
    host: bytes
    port: bytes | None
    path: bytes
    query: bytes | None


def expected_location(request: RequestHead, secure: bool) -> bytes:
    """The URL that the client of this request compares the answer's location with (5.2).

    From Host and what is asked for (which may itself be a ws:// URL); the host in lower case, the
    scheme's default port left out. `secure`: whether the client uses TLS. Without a Host the URL
    has an empty one.
    """
    host, target = _asked_for(request)
    return _construct(host.lower(), target, secure)


def check_location(
    request: RequestHead, field: Field, secure: bool, findings: HeadFindings, good: bool
) -> None:
    """Compare the answer's location with the expected one, and say which parts differ."""
    received = findings.compared(field)
    expected = expected_location(request, secure)
    host, target = _asked_for(request)
    # A client that sends its host in upper case compares with what it has, not with the draft.
    if received == expected or received == _construct(host, target, secure):
        if good and received == field.value:
            findings.at_field("location-matches", f"it is {quoted(received)}", field)
        return
    theirs = _taken_apart(received)
    ours = _taken_apart(expected)
    differences = f"expected {quoted(expected)}, found {quoted(received)}"
    codes = ["location-not-a-url"] if theirs is None or ours is None else _compare(ours, theirs)
    if not codes and host:
        # The same in all its parts and yet another text: the scheme in upper case, for example.
        codes = ["location-not-a-url"]
    for code in codes:
        findings.at_field(code, differences, field)


def _asked_for(request: RequestHead) -> tuple[bytes, bytes]:
    """Host and resource name of a request."""
    target = request.target
    if target[:1] != b"/":
        _, separator, rest = target.partition(b"://")
        if separator:
            authority, slash, path = rest.partition(b"/")
            return authority, slash + path or b"/"
        # Neither a path nor a URL: the request has a finding of its own for that.
        target = b"/" + target
    field = request.get(b"host")
    return (b"" if field is None else field.stripped), target


def _construct(host: bytes, target: bytes, secure: bool) -> bytes:
    if secure:
        return b"wss://" + host.removesuffix(b":443") + target
    return b"ws://" + host.removesuffix(b":80") + target


def _taken_apart(url: bytes) -> _Location | None:
    scheme, separator, rest = url.partition(b"://")
    scheme = scheme.lower()
    if not separator or scheme not in (b"ws", b"wss"):
        return None
    rest, question, query = rest.partition(b"?")
    authority, slash, path = rest.partition(b"/")
    host, colon, port = authority.rpartition(b":")
    if not colon or not (port.isdigit() or not port):
        # No port; the colons of an IPv6 address stand before a bracket.
        host, port_or_none = authority, None
    else:
        port_or_none = port
    return _Location(scheme, host, port_or_none, slash + path, query if question else None)


def _compare(ours: _Location, theirs: _Location) -> list[str]:
    codes = []
    if ours.scheme != theirs.scheme:
        codes.append("location-scheme-differs")
    # Without a Host in the request there is nothing to compare host and port with.
    if ours.host:
        if ours.host != theirs.host.lower():
            codes.append("location-host-differs")
        elif ours.host != theirs.host:
            codes.append("location-host-case-differs")
        if ours.port != theirs.port:
            default = b"443" if theirs.scheme == b"wss" else b"80"
            spelled_out = ours.port is None and theirs.port == default
            codes.append("location-default-port" if spelled_out else "location-port-differs")
    if ours.path != theirs.path:
        codes.append("location-path-differs")
    if ours.query != theirs.query:
        missing = theirs.query is None
        codes.append("location-query-missing" if missing else "location-query-differs")
    return codes
