"""Checks of the client's request head (4.1, 5.1; draft-75 4.1)."""

from __future__ import annotations

from ws76proxy.diagnosis.checks.heads import HeadFindings
from ws76proxy.diagnosis.checks.keys import check_keys
from ws76proxy.diagnosis.checks.security import check_address
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.diagnosis.model import Diagnosis, Stream
from ws76proxy.endpoint import Endpoint
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import RequestHead

__all__ = ["check_request"]

_URL_BEGINNINGS = (b"/", b"ws://", b"wss://")


def check_request(
    head: RequestHead,
    dialect: Dialect,
    *,
    base: int = 0,
    good: bool = True,
    listener: Endpoint | None = None,
) -> list[Diagnosis]:
    """What a request head of a hixie dialect has wrong (4.1), and right where `good`.

    `base` is the offset of its first byte in the client's stream, `listener` where the client's
    connection came in, as far as it is known. A head of another dialect gives nothing.
    """
    if dialect is not Dialect.HIXIE_76 and dialect is not Dialect.HIXIE_75:
        return []
    findings = HeadFindings(head, Stream.CLIENT, base)
    findings.check_lines("request")
    _check_start_line(head, findings)
    _check_upgrade(head, findings)
    _check_host(head, findings)
    if listener is not None:
        check_address(head, listener.host, findings)
    _check_origin(head, findings)
    length = head.get(b"content-length")
    if length is not None:
        bytes_announced = f"{quoted(length.stripped)} bytes of body are announced"
        findings.at_field("request-content-length", bytes_announced, length)
    coding = head.get(b"transfer-encoding")
    if coding is not None:
        announced = f"a body in the coding {quoted(coding.stripped)} is announced"
        findings.at_field("request-transfer-encoding", announced, coding)
    if dialect is Dialect.HIXIE_76:
        _check_protocol(
            head, findings, b"sec-websocket-protocol", b"websocket-protocol", "request-names-of-75"
        )
        _check_later_fields(head, findings)
        check_keys(head, findings, good)
    else:
        _check_protocol(
            head, findings, b"websocket-protocol", b"sec-websocket-protocol", "request-names-of-76"
        )
    return findings.diagnoses


def _check_start_line(head: RequestHead, findings: HeadFindings) -> None:
    line = head.start_line
    if not line.startswith(b"GET "):
        findings.at_start_line("request-method-not-get", f"the method is {quoted(head.method)}")
    if not line.endswith(b" HTTP/1.1"):
        findings.at_start_line("request-version-not-1-1", f"it ends in {quoted(head.version)}")
    target = head.target
    if target[:1] != b"/" and not target.lower().startswith(_URL_BEGINNINGS):
        findings.at_start_line("request-target-odd", f"the target is {quoted(target)}")


def _check_upgrade(head: RequestHead, findings: HeadFindings) -> None:
    upgrades = head.get_all(b"upgrade")
    if not upgrades:
        findings.without_evidence("request-upgrade-missing", "expected Upgrade: WebSocket")
    elif upgrades[0].stripped != b"WebSocket":
        found_value = f'expected "WebSocket", found {quoted(upgrades[0].value)}'
        same = upgrades[0].stripped.lower() == b"websocket"
        code = "request-upgrade-not-exact" if same else "request-upgrade-differs"
        findings.at_field(code, found_value, upgrades[0])
    connections = head.get_all(b"connection")
    if not connections:
        findings.without_evidence("request-connection-missing", "expected Connection: Upgrade")
    elif connections[0].stripped.lower() != b"upgrade":
        found_value = f'expected "Upgrade", found {quoted(connections[0].value)}'
        words = connections[0].value.lower().replace(b",", b" ").split()
        code = "request-connection-list" if b"upgrade" in words else "request-connection-differs"
        findings.at_field(code, found_value, connections[0])
    for several in (upgrades, connections):
        if len(several) > 1:
            times = f"{quoted(several[1].name)} is given {len(several)} times"
            findings.at_field("request-field-twice", times, several[1])


def _check_host(head: RequestHead, findings: HeadFindings) -> None:
    hosts = head.get_all(b"host")
    if not hosts:
        findings.without_evidence("host-missing", "there is no Host field")
    elif not hosts[0].stripped:
        findings.at_field("host-missing", "the Host field is empty", hosts[0])
    if len(hosts) > 1:
        values = f"{quoted(hosts[0].value)} and then {quoted(hosts[1].value)}"
        findings.at_field("host-twice", values, hosts[1])


def _check_origin(head: RequestHead, findings: HeadFindings) -> None:
    origins = head.get_all(b"origin")
    if not origins:
        findings.without_evidence("origin-missing", "there is no Origin field")
        return
    value = origins[0].stripped
    if not value:
        findings.at_field("origin-empty", "the Origin field is empty", origins[0])
    elif value != b"null":
        if value != value.lower():
            findings.at_field("origin-not-lower-case", f"it is {quoted(value)}", origins[0])
        if b"://" not in value:
            findings.at_field("origin-without-scheme", f"it is {quoted(value)}", origins[0])
    if len(origins) > 1:
        values = f"{quoted(value)} and then {quoted(origins[1].value)}"
        findings.at_field("origin-twice", values, origins[1])


def _check_protocol(
    head: RequestHead, findings: HeadFindings, name: bytes, wrong: bytes, wrong_code: str
) -> None:
    mistaken = head.get(wrong)
    if mistaken is not None:
        findings.at_field(wrong_code, f"the field is {quoted(mistaken.name)}", mistaken)
    asked = head.get_all(name)
    if not asked:
        return
    value = asked[0].value
    if not value:
        findings.at_field("protocol-empty", "the field has no value", asked[0])
    elif not value.isascii() or not value.decode().isprintable():
        findings.at_field("protocol-odd-characters", f"it is {quoted(value)}", asked[0])
    elif b"," in value:
        findings.at_field("protocol-list-asked", f"it is {quoted(value)}", asked[0])
    if len(asked) > 1:
        values = f"{quoted(value)} and then {quoted(asked[1].value)}"
        findings.at_field("protocol-asked-twice", values, asked[1])


def _check_later_fields(head: RequestHead, findings: HeadFindings) -> None:
    later = head.get(b"sec-websocket-key") or head.get(b"sec-websocket-version")
    if later is not None:
        detail = f"{quoted(later.name)} stands beside the keys of hixie-76"
        findings.at_field("request-rfc6455-fields", detail, later)
