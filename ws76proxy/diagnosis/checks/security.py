"""Checks of what a page could do that it must not (7), and of what attacks look like."""

from __future__ import annotations

import re

from ws76proxy.diagnosis.checks.heads import HeadFindings
from ws76proxy.diagnosis.checks.sites import (
    host_in,
    is_known_to_all,
    is_loopback,
    is_private,
    passed_through,
    same_site,
)
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.diagnosis.model import Stream
from ws76proxy.diagnosis.raising import found
from ws76proxy.wire.head import Field, RequestHead

__all__ = ["HTTP_MARK", "check_address", "check_cross_site", "http_in"]

_CREDENTIALS = (b"cookie", b"authorization")
_WEB = (b"http", b"https")
# A request line, or a status line, where a line begins, and a line of a head behind it: a sentence
# about HTTP has not got that.
_HTTP_LINES = re.compile(
    rb"(?:^|[\r\n\x00\xff])"
    rb"((?:[A-Z]{3,16} [^\x00-\x20\xff]{1,2048} HTTP/1\.[01]"
    rb"|HTTP/1\.[01] [1-5][0-9]{2}[^\r\n\xff]{0,200})"
    rb"\r?\n(?:\r?\n|[A-Za-z][A-Za-z0-9-]{0,60}:))"
)
HTTP_MARK = b"HTTP/1."
"""What text without HTTP in it hardly ever has."""


def check_address(head: RequestHead, listening: str, findings: HeadFindings) -> None:
    """Whether a client means the address that it has reached; `listening`: the listener's host."""
    field = head.get(b"host")
    # At a name, or at all addresses of a machine, anybody may be meant.
    if field is None or not (is_private(listening) or is_loopback(listening)):
        return
    host, named = quoted(field.stripped), host_in(field.stripped)
    both_loopback = is_loopback(named) and is_loopback(listening)
    if is_private(named) and named != listening and not both_loopback:
        findings.at_field("host-private-address", f"{host} was reached at {listening}", field)
    elif is_loopback(listening) and is_known_to_all(named) and not passed_through(head):
        origin = head.get(b"origin")
        if origin is not None and host_in(origin.stripped) == named:
            detail = f"{host} was reached at {listening}, by a page from the same name"
            findings.at_field("host-name-for-loopback", detail, field)


def check_cross_site(
    came: RequestHead,
    came_base: int,
    went: RequestHead,
    echoed: Field | None,
    findings: HeadFindings,
) -> None:
    """Say so where a page of another site has got a session with the user's credentials.

    `came` is the accepted request as the client sent it, at `came_base` of its stream; `went` as
    the server got it; `echoed` the answer's origin. A client that finds another one there gives up.
    """
    credentials = next((came.get(name) for name in _CREDENTIALS if came.get(name)), None)
    origin, sent = came.get(b"origin"), went.get(b"origin")
    if credentials is None or origin is None or sent is None or echoed is None:
        return
    value = origin.stripped
    is_page = value.partition(b"://")[0].lower() in _WEB
    hosts = [host_in(field.stripped) for head in (came, went) if (field := head.get(b"host"))]
    if not hosts or not (is_page or value == b"null"):
        return
    page = host_in(value)
    is_same = is_page and any(same_site(page, host) for host in hosts)
    if is_same or echoed.stripped not in (sent.stripped, sent.stripped.lower()):
        return
    name = quoted(credentials.name)[1:-1]
    findings.diagnoses.append(
        found(
            "cross-site-accepted",
            f"{quoted(value)} is accepted at {quoted(hosts[0].encode('latin-1'))}, with {name}",
            stream=Stream.CLIENT,
            offset=came_base + origin.offset,
            evidence=origin.raw[: -len(origin.line_end)],
        )
    )


def http_in(frames: bytes) -> tuple[int, bytes] | None:
    """Where text frames hold lines that a proxy could take for HTTP, and these lines.

    `frames` are raw bytes; most have no such text, and cost one search.
    """
    if HTTP_MARK not in frames:
        return None
    lines = _HTTP_LINES.search(frames)
    return None if lines is None else (lines.start(1), lines[1])
