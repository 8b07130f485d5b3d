"""What a head must say otherwise because there is a proxy, and what a repair puts right."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

from ws76proxy.bridge import BridgedRequest, BridgedResponse
from ws76proxy.diagnosis import expected_location, unreadable_fields
from ws76proxy.endpoint import Endpoint
from ws76proxy.session.options import SessionOptions
from ws76proxy.wire import hixie75, hixie76
from ws76proxy.wire.challenge import Challenge
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import Field, RequestHead, ResponseHead

__all__ = [
    "Adjustment",
    "adjust_request",
    "adjust_response",
    "ask_again",
    "by_bridge",
    "corrupted_digest",
    "readdressed",
    "repair_response",
]


class Adjustment(NamedTuple):
    """One change of a head; None: the field was, or is, absent."""

    what: str
    before: bytes | None
    after: bytes | None
    cause: Literal["proxy", "challenge", "repair", "rule", "script", "bridge"]
    why: str


def by_bridge(translated: BridgedRequest | BridgedResponse) -> Iterator[Adjustment]:
    """A translation's changes, as they are told; found out when the first is asked for."""
    for change in translated.changes:
        yield Adjustment(*change[:3], "bridge", change.why)


def adjust_request(
    head: RequestHead, options: SessionOptions
) -> tuple[RequestHead, list[Adjustment]]:
    """Address the server by its own name: Host, and the Origin of a page that came through us."""
    values, changes = readdressed(head, options)
    return (head.replace_fields(values), changes) if values else (head, [])


def readdressed(
    head: RequestHead, options: SessionOptions
) -> tuple[dict[Field, bytes], list[Adjustment]]:
    """The same, for who makes a head of his own of it: the fields that get another value."""
    host = head.get(b"host")
    if options.host == "keep" or host is None:
        return {}, []
    authority = options.upstream.authority.encode()
    if host.value == authority:
        return {}, []
    why = "the server expects its own address"
    changes = [Adjustment("Host", host.value, authority, "proxy", why)]
    values = {host: authority}
    before = host.value.lower()
    origin = head.get(b"origin")
    if origin is not None and origin.value.lower() in (b"http://" + before, b"https://" + before):
        after = values[origin] = options.upstream.web_origin.encode()
        why = "the page came through this proxy: to the server it is the server's own"
        changes.append(Adjustment("Origin", origin.value, after, "proxy", why))
    return values, changes


def ask_again(
    head: RequestHead, challenge: Challenge, kept: Collection[bytes] = ()
) -> tuple[RequestHead, list[Adjustment]]:
    """The same request with the keys of a challenge of our own, in the same places.

    `kept` are the fields, in lower case, that keep what somebody else has put there.
    """
    changes: list[Adjustment] = []
    values: dict[Field, bytes] = {}
    keys = {b"sec-websocket-key1": challenge.key1, b"sec-websocket-key2": challenge.key2}
    for name, key in keys.items():
        field = head.get(name)
        if field is not None and name not in kept:
            values[field] = key.text
            label = field.name.decode("latin-1")
            why = "a challenge of our own"
            changes.append(Adjustment(label, field.value, key.text, "challenge", why))
    return head.replace_fields(values), changes


def corrupted_digest(rule: str, bug: str, before: str, after: str) -> Adjustment:
    """A digest that goes on as a server with that bug gives it; both in hexadecimal."""
    why = f"rule {rule!r}: as a server with the bug {bug}"
    return Adjustment("digest", before.encode(), after.encode(), "rule", why)


def adjust_response(
    response: ResponseHead, came: RequestHead, went: RequestHead, options: SessionOptions
) -> tuple[ResponseHead, list[Adjustment]]:
    """Turn what the server says of its own address into what the client knows it as.

    `came` is the request as the client sent it, `went` as the server got it. Each part of Location
    that the server got right for itself is made right for the client; what it got wrong stays.
    """
    changes: list[Adjustment] = []
    values: dict[Field, bytes] = {}
    for name in (b"sec-websocket-location", b"websocket-location"):
        for field in response.get_all(name):
            location = _translate(field.value, came, went, options)
            if location != field.value:
                values[field] = location
                changes.append(_proxy(field, location, "the client knows this address"))
    ours, theirs = came.value(b"origin"), went.value(b"origin")
    if ours is not None and ours != theirs:
        for name in (b"sec-websocket-origin", b"websocket-origin"):
            for field in response.get_all(name):
                if field.value == theirs:
                    values[field] = ours
                    changes.append(_proxy(field, ours, "the client's own Origin"))
    return response.replace_fields(values) if values else response, changes


def _proxy(field: Field, after: bytes, why: str) -> Adjustment:
    return Adjustment(field.name.decode("latin-1"), field.value, after, "proxy", why)


def repair_response(
    response: ResponseHead, request: RequestHead, dialect: Dialect, listener: Endpoint
) -> tuple[ResponseHead, list[Adjustment]]:
    """Make a 101 what this client checks for (4.1); `request` is as the client sent it."""
    repair = _Repair(response)
    prefix, other = b"Sec-WebSocket-", b"WebSocket-"
    if dialect is Dialect.HIXIE_75:
        prefix, other = other, prefix
    repair.write_lines_well(dialect)
    for field in repair.head.fields:
        if not field.has_colon or not field.name.strip():
            repair.remove(field, "a line without a name and a colon makes the client refuse")
        elif field.name.strip().lower() in (b"content-length", b"transfer-encoding"):
            repair.remove(field, "a 101 has no body that a length could describe")
        elif field.name != field.name.strip():
            repair.rename(field, field.name.strip(), "white space is no part of a field's name")
    for field in unreadable_fields(request, repair.head):
        repair.remove(field, "WebKit refuses a value that is empty or not UTF-8")
    location = expected_location(request, secure=listener.secure)
    protocol = request.value(prefix.lower() + b"protocol")
    repair.require(b"Upgrade", b"WebSocket")
    repair.require(b"Connection", b"Upgrade")
    repair.require(prefix + b"Location", location, alias=other + b"Location")
    repair.require(prefix + b"Origin", request.value(b"origin"), alias=other + b"Origin")
    repair.require(prefix + b"Protocol", protocol, alias=other + b"Protocol")
    if dialect is Dialect.HIXIE_75:
        repair.put_upgrade_first()
    return repair.head, repair.changes


class _Repair:
    """A head on its way to being right, and what was changed so far."""

    def __init__(self, head: ResponseHead) -> None:
        self.head = head
        self.changes: list[Adjustment] = []

    def write_lines_well(self, dialect: Dialect) -> None:
        """A status line that the client reads, nothing before it, CR LF behind each line."""
        preamble, line = self.head.preamble, self.head.start_line
        if preamble:
            self._note(b"empty lines", preamble, None, "the client reads its status line there")
        raw = self.head.raw[len(preamble) :]
        if raw.count(b"\n") != raw.count(b"\r\n"):
            self._note(b"line ends", b"\n", b"\r\n", "the client refuses any other line end")
            raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if raw != self.head.raw:
            self.head = ResponseHead(raw)
        if dialect is Dialect.HIXIE_75:
            wanted = hixie75.STATUS_LINE.encode()
        else:
            wanted = line if line.count(b" ") > 1 else hixie76.STATUS_LINE.encode()
        if line != wanted:
            self._note(b"status line", line, wanted, "the client refuses this one")
            self.head = self.head.replace_start_line(wanted)

    def remove(self, field: Field, why: str) -> None:
        self._note(field.name, field.value, None, why)
        self.head = self.head.remove_field(self._now(field))

    def rename(self, field: Field, name: bytes, why: str) -> None:
        self._note(name, field.name, name, why)
        self.head = self.head.rename_field(self._now(field), name)

    def require(self, name: bytes, value: bytes | None, alias: bytes = b"") -> None:
        """Exactly one field of that name, with that value; `alias` is its wrong-dialect name."""
        if value is None:
            return
        for field in self.head.get_all(name.lower())[1:]:
            self.remove(field, "the client wants this field exactly once")
        for field in self.head.get_all(alias.lower()):
            if self.head.get(name.lower()) is None:
                self.rename(field, name, "the name that this dialect gives the field")
            else:
                self.remove(field, "the name belongs to another dialect")
        present = self.head.get(name.lower())
        if present is None:
            self._note(name, None, value, "the client wants this field")
            self.head = self.head.add_field(name, value)
        elif present.value != value and not (
            name == b"Connection" and present.value.lower() == b"upgrade"
        ):
            self._note(name, present.value, value, "the client refuses any other value")
            self.head = self.head.replace_field(present, value)

    def put_upgrade_first(self) -> None:
        """-75, 4.1: the two lines after the status line are compared byte by byte."""
        lines = b"Upgrade: WebSocket\r\nConnection: Upgrade\r\n"
        if b"".join(field.raw for field in self.head.fields[:2]) == lines:
            return
        for name in (b"upgrade", b"connection"):
            field = self.head.get(name)
            if field is not None:
                self.head = self.head.remove_field(field)
        begin = self.head.raw.index(b"\n", len(self.head.preamble)) + 1
        self.head = ResponseHead(self.head.raw[:begin] + lines + self.head.raw[begin:])
        why = "hixie-75 wants Upgrade and Connection first, spelt exactly so"
        self._note(b"Upgrade, Connection", None, lines, why)

    def _now(self, field: Field) -> Field:
        """The same line where it stands after what was changed before it."""
        return next(one for one in self.head.fields if one.raw == field.raw)

    def _note(self, name: bytes, before: bytes | None, after: bytes | None, why: str) -> None:
        self.changes.append(Adjustment(name.decode("latin-1"), before, after, "repair", why))


def _translate(
    location: bytes, came: RequestHead, went: RequestHead, options: SessionOptions
) -> bytes:
    scheme, separator, rest = location.partition(b"://")
    if not separator:
        return location
    authority, slash, path = rest.partition(b"/")
    if scheme == options.upstream.scheme.encode():
        scheme = options.listener.scheme.encode()
    theirs, ours = went.value(b"host"), came.value(b"host")
    if theirs != ours and theirs and ours and authority.lower() == theirs.lower():
        authority = ours
    if went.target != came.target and slash + path == went.target:
        # Somebody has changed what the client asked for: to the client it is what it asked for.
        return scheme + separator + authority + came.target
    return scheme + separator + authority + slash + path
