"""What must not be seen in a report: what the user sends of its own, and cookies that come back."""

from __future__ import annotations

import re

from ws76proxy.probe.target import Target

__all__ = ["REDACTED", "redact"]

REDACTED = b"[redacted]"
_COOKIES = re.compile(rb"^(Set-Cookie2?:)[^\r\n]*", re.IGNORECASE | re.MULTILINE)


def redact(data: bytes, target: Target) -> bytes:
    """Bytes of either direction without the values of `target.extra`, and of Set-Cookie."""
    for name, value in target.extra:
        if value:
            line = f"{name}: {value}".encode("latin-1")
            data = data.replace(line, name.encode("latin-1") + b": " + REDACTED)
    return _COOKIES.sub(rb"\1 " + REDACTED, data)
