"""Checks of the server's answer, as the client makes them (4.1; draft-75 4.1)."""

from __future__ import annotations

from typing import NamedTuple

from ws76proxy.diagnosis.checks.heads import HeadFindings
from ws76proxy.diagnosis.checks.location import check_location
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.diagnosis.model import Diagnosis, Stream
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import Field, RequestHead, ResponseHead

__all__ = ["check_response"]

_STATUS_LINE_75 = b"HTTP/1.1 101 Web Socket Protocol Handshake"
_FIRST_FIELDS_75 = b"Upgrade: WebSocket\r\nConnection: Upgrade\r\n"

_STATUS_CODES = {
    400: "answered-bad-request",
    401: "answered-unauthorized",
    403: "answered-forbidden",
    404: "answered-not-found",
    407: "answered-proxy-authentication",
    426: "answered-rfc6455-only",
}
_STATUS_CLASSES = {
    2: "answered-ordinary-page",
    3: "answered-redirect",
    5: "answered-server-error",
}


class _Names(NamedTuple):
    """What a dialect calls the fields that a server echoes, in lower case."""

    origin: bytes
    location: bytes
    protocol: bytes


_NAMES_76 = _Names(b"sec-websocket-origin", b"sec-websocket-location", b"sec-websocket-protocol")
_NAMES_75 = _Names(b"websocket-origin", b"websocket-location", b"websocket-protocol")


def check_response(
    request: RequestHead,
    response: ResponseHead,
    dialect: Dialect,
    *,
    secure: bool,
    base: int = 0,
    good: bool = True,
) -> list[Diagnosis]:
    """What a client of a hixie dialect finds wrong with an answer (4.1), and right where `good`.

    `request` is the head as it went to that server, `secure` whether by TLS; `base` is the offset
    of the answer's first byte in the server's stream. Of an answer that is not 101, only the status
    is looked at. For another dialect there is nothing to say.
    """
    is_76 = dialect is Dialect.HIXIE_76
    if not is_76 and dialect is not Dialect.HIXIE_75:
        return []
    findings = HeadFindings(response, Stream.SERVER, base)
    status = response.status
    if status != 101:
        _check_refusal(status, response, findings)
        return findings.diagnoses
    findings.check_lines("response")
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
    return findings.diagnoses


def _check_refusal(status: int | None, response: ResponseHead, findings: HeadFindings) -> None:
    line = quoted(response.start_line)
    if status is None:
        findings.at_start_line("status-line-malformed", f"the line is {line}")
        return
    version = response.get(b"sec-websocket-version")
    if version is not None:
        detail = f"{line}, with Sec-WebSocket-Version: {quoted(version.stripped)}"
        findings.at_field("answered-rfc6455-only", detail, version)
        return
    code = _STATUS_CODES.get(status) or _STATUS_CLASSES.get(status // 100)
    target = response.get(b"location") if status // 100 == 3 else None
    detail = line if target is None else f"{line}, to {quoted(target.stripped)}"
    findings.at_start_line(code or "answered-other-status", detail)


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
    if not upgrades:
        findings.without_evidence("upgrade-missing", "expected Upgrade: WebSocket")
    elif upgrades[0].value != b"WebSocket":
        same = upgrades[0].stripped.lower() == b"websocket"
        code = "upgrade-not-exact" if same else "upgrade-differs"
        detail = f'expected "WebSocket", found {quoted(upgrades[0].value)}'
        findings.at_field(code, detail, upgrades[0])
    if not connections:
        findings.without_evidence("connection-missing", "expected Connection: Upgrade")
    elif connections[0].value.lower() != b"upgrade":
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
    answered = field.value
    expected = request.value(b"origin")
    if expected is None:
        findings.at_field("origin-invented", f"it is {quoted(answered)}", field)
        return
    # The draft's client compares with its origin in lower case; one that sends capitals compares
    # with what it sent.
    if answered in (expected, expected.lower()):
        if good:
            findings.at_field("origin-matches", f"it is {quoted(answered)}", field)
        return
    host = request.value(b"host")
    lowered = answered.lower()
    if lowered == expected.lower():
        code = "origin-case-differs"
    elif answered == b"null":
        code = "origin-answered-null"
    elif host and lowered in (b"http://" + host.lower(), b"https://" + host.lower()):
        code = "origin-of-backend"
    else:
        code = "origin-differs"
    findings.at_field(code, f"expected {quoted(expected)}, found {quoted(answered)}", field)


def _check_protocol(asked: Field | None, field: Field, findings: HeadFindings, good: bool) -> None:
    answered = field.value
    if asked is None:
        findings.at_field("protocol-unasked", f"it is {quoted(answered)}", field)
        return
    expected = asked.value
    if answered == expected:
        if b"," in expected:
            findings.at_field("protocol-list-echoed", f"it is {quoted(answered)}", field)
        elif good:
            findings.at_field("protocol-matches", f"it is {quoted(answered)}", field)
        return
    entries = [entry.strip() for entry in expected.split(b",")]
    listed = len(entries) > 1 and answered.strip() in entries
    code = "protocol-one-of-list" if listed else "protocol-differs"
    findings.at_field(code, f"expected {quoted(expected)}, found {quoted(answered)}", field)
