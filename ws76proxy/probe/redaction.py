"""What must not be seen in a report: what the user sends of its own, and cookies that come back."""

from __future__ import annotations

from ws76proxy.probe.target import Target
from ws76proxy.redaction import REDACTED, redact_head

__all__ = ["redact"]


def redact(data: bytes, target: Target) -> bytes:
    """Bytes of either direction without the values of `target.extra`, and without the secrets of
    heads."""
    text = data.decode("latin-1")
    for name, value in target.extra:
        if value:
            text = text.replace(f"{name}: {value}", f"{name}: {REDACTED}")
    return redact_head(text).encode("latin-1")
