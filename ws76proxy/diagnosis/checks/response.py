"""Checks of the server's answer, as the client makes them (4.1; draft-75 4.1)."""

from __future__ import annotations

from typing import NamedTuple

from ws76proxy.diagnosis.checks.heads import HeadFindings
from ws76proxy.diagnosis.checks.location import check_location
from ws76proxy.diagnosis.checks.security import check_cross_site
from ws76proxy.diagnosis.checks.status import check_refusal
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.diagnosis.model import Diagnosis, Stream
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import Field, RequestHead, ResponseHead

__all__ = ["check_response", "unreadable_fields"]

_STATUS_LINE_75 = b"HTTP/1.1 101 Web Socket Protocol Handshake"
_FIRST_FIELDS_75 = b"Upgrade: WebSocket\r\nConnection: Upgrade\r\n"


class _Names(NamedTuple):
    """What a dialect calls the fields that a server echoes, in lower case."""

    origin: bytes
    location: bytes
    protocol: bytes


_NAMES_76 = _Names(b"sec-websocket-origin", b"sec-websocket-location", b"sec-websocket-protocol")
_NAMES_75 = _Names(b"websocket-origin", b"websocket-location", b"websocket-protocol")
_ECHOED = (b"origin", b"sec-websocket-protocol", b"websocket-protocol")


def unreadable_fields(request: RequestHead, response: ResponseHead) -> list[Field]:
    """Fields of an answer whose value is no text to WebKit: it is empty, or not UTF-8.

    A value that the client has sent is what that client wants to see again.
    """
    echoed = [field.value for name in _ECHOED for field in request.get_all(name)]
    return [
        field
        for field in response.fields
        if field.has_colon and not _is_text(field.stripped) and field.value not in echoed
    ]


def _is_text(value: bytes) -> bool:
    try:
        return value.decode() != ""
    except UnicodeDecodeError:
        return False


def check_response(
    request: RequestHead,
    response: ResponseHead,
    dialect: Dialect,
    *,
    secure: bool,
    base: int = 0,
    good: bool = True,
    came: RequestHead | None = None,
    came_base: int = 0,
) -> list[Diagnosis]:
    """What a client of a hixie dialect finds wrong with an answer (4.1), and right where `good`.

    `request` is the head as it went to that server, `secure` whether by TLS; `base` is the offset
    of the answer's first byte in the server's stream. `came` is the request as the client sent it,
    where that is another, at `came_base` of its stream. Of an answer that is not 101, only the
    status is looked at. A client of a later version is told of an answer for hixie; for all other
    dialects there is nothing to say.
    """
    is_76 = dialect is Dialect.HIXIE_76
    findings = HeadFindings(response, Stream.SERVER, base)
    if not is_76 and dialect is not Dialect.HIXIE_75:
        if dialect in (Dialect.RFC_6455, Dialect.HYBI_DRAFT) and response.status == 101:
            _check_for_later_client(response, findings)
        return findings.diagnoses
    if response.status != 101:
        check_refusal(request, response, dialect, findings, good)
        return findings.diagnoses
    _check_asked(request, findings)
    findings.check_lines("response")
    for unreadable in unreadable_fields(request, response):
        value = unreadable.stripped
        what = f"it is {quoted(value)}" if value else "it is empty"
        findings.at_field("response-value-not-text", what, unreadable)
    _check_status_line(response, findings, is_76)
    _check_upgrade(response, findings, is_76, good)
    for name, code in (
        (b"content-length", "response-content-length"),
        (b"transfer-encoding", "response-transfer-encoding"),
    ):
        field = response.get(name)
        if field is not None:
            findings.at_field(code, f"it says {quoted(field.stripped)}", field)
    mine, others = (_NAMES_76, _NAMES_75) if is_76 else (_NAMES_75, _NAMES_76)
    _check_echoes(request, response, secure, findings, mine, others, good)
    check_cross_site(came or request, came_base, request, response.get(mine.origin), findings)
    return findings.diagnoses


def _check_for_later_client(response: ResponseHead, findings: HeadFindings) -> None:
    if response.get(b"sec-websocket-accept") is not None:
        return
    for name in (*_NAMES_75[:2], *_NAMES_76[:2]):
        field = response.get(name)
        if field is not None:
            detail = f"{quoted(field.name)} is there, Sec-WebSocket-Accept is not"
            findings.at_field("response-of-hixie", detail, field)
            return


def _check_asked(request: RequestHead, findings: HeadFindings) -> None:
    fields = request.get_all(b"upgrade")
    if not any(b"websocket" in field.after_colon.lower() for field in fields):
        asked = b", ".join([field.stripped for field in fields])
        what = f"Upgrade: {quoted(asked)}" if asked else "no Upgrade at all"
        findings.at_start_line("switch-unasked", f"the request has {what}")


def _origins(request: RequestHead) -> tuple[bytes, ...]:
    """What a client with this request takes for its origin in the answer.

    The draft's client compares with its origin in lower case; one that sends capitals compares with
    what it sent.
    """
    field = request.get(b"origin")
    return () if field is None else (field.stripped, field.stripped.lower())


def _check_status_line(response: ResponseHead, findings: HeadFindings, is_76: bool) -> None:
    line = response.start_line
    if line.count(b" ") < 2:
        findings.at_start_line("status-text-missing", f"the line is {quoted(line)}")
    elif not is_76 and line != _STATUS_LINE_75:
        detail = f"expected {quoted(_STATUS_LINE_75)}, found {quoted(line)}"
        findings.at_start_line("status-text-not-of-75", detail)
    if not line.startswith(b"HTTP/1.1 "):
        findings.at_start_line("response-version-not-1-1", f"it is {quoted(response.version)}")


def _check_upgrade(response: ResponseHead, findings: HeadFindings, is_76: bool, good: bool) -> None:
    upgrades = response.get_all(b"upgrade")
    connections = response.get_all(b"connection")
    if not upgrades and not connections:
        findings.without_evidence("switch-without-upgrade", "neither field is there")
        return
    before = len(findings.diagnoses)
    # A client of draft-75 compares bytes.
    value = findings.compared if is_76 else _exact
    if not upgrades:
        findings.without_evidence("upgrade-missing", "expected Upgrade: WebSocket")
    elif value(upgrades[0]) != b"WebSocket":
        same = upgrades[0].stripped.lower() == b"websocket"
        code = "upgrade-not-exact" if same else "upgrade-differs"
        detail = f'expected "WebSocket", found {quoted(upgrades[0].value)}'
        findings.at_field(code, detail, upgrades[0])
    if not connections:
        findings.without_evidence("connection-missing", "expected Connection: Upgrade")
    elif value(connections[0]).lower() != b"upgrade":
        words = connections[0].value.lower().replace(b",", b" ").split()
        code = "connection-list" if b"upgrade" in words else "connection-differs"
        detail = f'expected "Upgrade", found {quoted(connections[0].value)}'
        findings.at_field(code, detail, connections[0])
    _check_once(upgrades, findings)
    _check_once(connections, findings)
    if not is_76 and len(findings.diagnoses) == before:
        begin = response.fields[0].offset
        if not response.raw.startswith(_FIRST_FIELDS_75, begin):
            detail = f"expected {quoted(_FIRST_FIELDS_75)}"
            findings.at_field("first-fields-not-exact", detail, response.fields[0])
    if good and len(findings.diagnoses) == before:
        findings.at_start_line("upgrade-ok", f"the answer is {quoted(response.start_line)}")


def _exact(field: Field) -> bytes:
    return field.value


def _check_once(fields: tuple[Field, ...], findings: HeadFindings) -> None:
    if len(fields) > 1:
        first, second = fields[:2]
        values = f"{quoted(first.value)} and then {quoted(second.value)}"
        detail = f"{quoted(first.name)} comes {len(fields)} times: {values}"
        findings.at_field("response-field-twice", detail, second)


def _check_echoes(
    request: RequestHead,
    response: ResponseHead,
    secure: bool,
    findings: HeadFindings,
    mine: _Names,
    others: _Names,
    good: bool,
) -> None:
    asked = request.get(mine.protocol)
    missing = []
    origins = response.get_all(mine.origin)
    if origins:
        _check_origin(request, origins[0], findings, good)
        _check_once(origins, findings)
    elif request.get(b"origin") is not None:
        # A client without Origin has none to look for in the answer.
        missing.append(("origin-not-echoed", "origin", others.origin))
    locations = response.get_all(mine.location)
    if locations:
        check_location(request, locations[0], secure, findings, good)
        _check_once(locations, findings)
    else:
        missing.append(("location-missing", "location", others.location))
    protocols = response.get_all(mine.protocol)
    if protocols:
        _check_protocol(asked, protocols[0], findings, good)
        _check_once(protocols, findings)
    elif asked is not None and asked.value:
        missing.append(("protocol-not-echoed", "subprotocol", others.protocol))
    if missing:
        _explain_missing(response, missing, findings, mine is _NAMES_76)


def _explain_missing(
    response: ResponseHead,
    missing: list[tuple[str, str, bytes]],
    findings: HeadFindings,
    is_76: bool,
) -> None:
    """Say why fields are not there, where another dialect's are; otherwise that they are not."""
    later = response.get(b"sec-websocket-accept")
    if later is not None:
        findings.at_field("response-of-rfc6455", "Sec-WebSocket-Accept is there", later)
    explained = None
    for code, what, other_name in missing:
        mistaken = response.get(other_name)
        if mistaken is not None:
            explained = explained or mistaken
        elif later is None:
            findings.without_evidence(code, f"there is no field for the {what}")
    if explained is not None:
        code = "response-names-of-75" if is_76 else "response-names-of-76"
        findings.at_field(code, f"the field is {quoted(explained.name)}", explained)


def _check_origin(request: RequestHead, field: Field, findings: HeadFindings, good: bool) -> None:
    answered = findings.compared(field)
    expected = _origins(request)
    if not expected:
        findings.at_field("origin-invented", f"it is {quoted(answered)}", field)
        return
    if answered in expected:
        if good and answered == field.value:
            findings.at_field("origin-matches", f"it is {quoted(answered)}", field)
        return
    host = request.value(b"host")
    lowered = answered.lower()
    if lowered == expected[1]:
        code = "origin-case-differs"
    elif answered == b"null":
        code = "origin-answered-null"
    elif host and lowered in (b"http://" + host.lower(), b"https://" + host.lower()):
        code = "origin-of-backend"
    else:
        code = "origin-differs"
    findings.at_field(code, f"expected {quoted(expected[0])}, found {quoted(answered)}", field)


def _check_protocol(asked: Field | None, field: Field, findings: HeadFindings, good: bool) -> None:
    answered, is_exact = field.value, True
    if asked is None:
        findings.at_field("protocol-unasked", f"it is {quoted(answered)}", field)
        return
    expected = asked.value
    if answered != expected:
        # A name may have spaces at its ends; these are not the same.
        answered, expected, is_exact = findings.compared(field), asked.stripped, False
    if answered == expected:
        if b"," in expected:
            findings.at_field("protocol-list-echoed", f"it is {quoted(answered)}", field)
        elif good and is_exact:
            findings.at_field("protocol-matches", f"it is {quoted(answered)}", field)
        return
    entries = [entry.strip() for entry in expected.split(b",")]
    listed = len(entries) > 1 and answered.strip() in entries
    code = "protocol-one-of-list" if listed else "protocol-differs"
    findings.at_field(code, f"expected {quoted(expected)}, found {quoted(answered)}", field)
