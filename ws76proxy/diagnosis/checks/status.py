"""Why a server does not answer 101: by its status, its fields, and what it was asked (4.1, 5.1)."""

from __future__ import annotations

from ws76proxy.diagnosis.checks.heads import HeadFindings
from ws76proxy.diagnosis.checks.keys import faulty_keys
from ws76proxy.diagnosis.checks.sites import passed_through
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.wire import hixie76
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import RequestHead, ResponseHead

__all__ = ["check_refusal"]

_CODES = {
    400: "answered-bad-request",
    401: "answered-unauthorized",
    403: "answered-forbidden",
    404: "answered-not-found",
    407: "answered-proxy-authentication",
    408: "answered-request-timeout",
    426: "answered-rfc6455-only",
}
_CLASSES = {
    2: "answered-ordinary-page",
    3: "answered-redirect",
    5: "answered-server-error",
}
# Fields that say who answered, or what is missing.
_TELLING = (b"server", b"x-powered-by", b"www-authenticate", b"proxy-authenticate", b"retry-after")


def check_refusal(
    request: RequestHead,
    response: ResponseHead,
    dialect: Dialect,
    findings: HeadFindings,
    good: bool,
) -> None:
    """Say which refusal an answer is, and why, as far as its head and the request's tell."""
    status, line = response.status, quoted(response.start_line)
    if status is None:
        findings.at_start_line("status-line-malformed", f"the line is {line}")
        return
    version = response.get(b"sec-websocket-version")
    if version is not None:
        detail = f"{line}, with Sec-WebSocket-Version: {quoted(version.stripped)}"
        findings.at_field("answered-rfc6455-only", detail, version)
        return
    code = _CODES.get(status) or _CLASSES.get(status // 100, "answered-other-status")
    is_76 = dialect is Dialect.HIXIE_76
    faults = faulty_keys(hixie76.challenge_of(request, b"")) if is_76 else ""
    if faults and status == 400:
        if good:
            findings.at_start_line("faulty-keys-refused", f"{line} to keys with faults: {faults}")
        return
    detail = line + _redirect(request, response)
    for name in _TELLING:
        field = response.get(name)
        if field is not None:
            detail += f"; {quoted(field.name)[1:-1]}: {quoted(field.stripped)}"
    findings.at_start_line(code, detail + passed_through(response))


def _redirect(request: RequestHead, response: ResponseHead) -> str:
    """Where a redirect leads, and how that differs from what was asked for."""
    field = response.get(b"location")
    if field is None or response.status is None or response.status // 100 != 3:
        return ""
    target = field.stripped
    scheme, separator, rest = target.partition(b"://")
    host, slash, path = rest.partition(b"/")
    asked_host, asked = request.value(b"host"), request.target
    found = slash + path if separator else target
    why = ""
    if found == asked and host == asked_host and scheme in (b"https", b"wss"):
        why = ": the same with TLS"
    elif found in (asked + b"/", asked.replace(b"?", b"/?", 1)) and found != asked:
        why = ": the same with a slash at the end of the path"
    elif found == asked and separator and host != asked_host:
        why = ": the same at another address"
    return f", to {quoted(target)}{why}"
