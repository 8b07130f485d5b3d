"""What must not be seen in a record: cookies, credentials, and tokens in addresses."""

from __future__ import annotations

import base64
import re

import msgspec

from ws76proxy.record import (
    AdjustmentRecord,
    AnyRecord,
    BytesRecord,
    FindingRecord,
    HttpRecord,
    RecordingRecord,
    RequestRecord,
    ResponseRecord,
    SessionStartRecord,
)

__all__ = ["REDACTED", "redact", "redact_head"]

REDACTED = "[redacted]"
_SECRET_FIELDS = frozenset(
    {"cookie", "cookie2", "set-cookie", "set-cookie2", "authorization", "proxy-authorization"}
)
# What a parameter that carries a secret is called, whole or as its last word: `access_token`,
# `accessToken`.
_PARAMETER = re.compile(
    r"""(?P<name> [?&;\#]
        (?: [A-Za-z0-9_.~\[\]%-]* (?: [_.~[-] | (?-i: (?<=[a-z0-9]) (?=[A-Z]) ) ) )?
        (?: [a-z]{0,8} token | auth | authorization | api_?key | key | secret | pass | passwd
          | password | pwd | sid | session | [a-z]{0,6} sess (?: ion )? _?id | jwt | ticket
          | sig | signature | credentials? )
        \]? = )
        (?P<value> [^&;\s\#"'<>]+ )""",
    re.IGNORECASE | re.VERBOSE,
)
# Begins at what is rare: a scheme could begin anywhere.
_USER = re.compile(r"(?<=://)[^/?\#@\s:]*:[^/?\#@\s]*@")
# What shows that bytes which were not decoded are, or have in them, a head.
_HEAD = re.compile(
    r"^ (?: HTTP/1\.[01][ ] | [A-Z]+ [ ] [^ \r\n]+ [ ] HTTP/1\.[01] \r?$"
    rf" | (?i: {'|'.join(sorted(_SECRET_FIELDS))} ) [ \t]* : )",
    re.MULTILINE | re.VERBOSE,
)
# Texts of records in which an address may stand.
_TEXTS: dict[type[AnyRecord], tuple[str, ...]] = {
    RecordingRecord: ("upstream",),
    SessionStartRecord: ("upstream",),
    RequestRecord: ("target", "head", "sent"),
    ResponseRecord: ("reason", "head", "sent"),
    AdjustmentRecord: ("before", "after"),
    FindingRecord: ("detail", "evidence"),
    HttpRecord: ("target",),
}


def redact(record: AnyRecord) -> AnyRecord:
    """The same record with `[redacted]` for the values of cookie and authorization fields, and of
    parameters of an address whose name says that they are secret."""
    if isinstance(record, BytesRecord):
        return _redact_bytes(record)
    changes: dict[str, str | bool] = {}
    if isinstance(record, AdjustmentRecord) and record.what.lower() in _SECRET_FIELDS:
        # The name stands apart from its value here.
        given = [name for name in ("before", "after") if getattr(record, name) is not None]
        return msgspec.structs.replace(record, **dict.fromkeys(given, REDACTED))
    for name in _TEXTS.get(type(record), ()):
        text = getattr(record, name)
        if text:
            clean = redact_head(text)
            if clean != text:
                changes[name] = clean
    if not changes:
        return record
    if isinstance(record, RequestRecord | ResponseRecord):
        changes["redacted"] = True
    return msgspec.structs.replace(record, **changes)


def redact_head(text: str) -> str:
    """A head, or some of its lines, with its secrets replaced."""
    text = _USER.sub(f"{REDACTED}@", _PARAMETER.sub(rf"\g<name>{REDACTED}", text))
    lines = text.split("\n")
    secret = False
    for number, line in enumerate(lines):
        ending = "\r" if line.endswith("\r") else ""
        if line[:1] in (" ", "\t") and secret:
            # A line that begins with white space continues the one before it.
            lines[number] = f"{line[0]}{REDACTED}{ending}"
            continue
        name, colon, _value = line.partition(":")
        secret = bool(colon) and name.strip().lower() in _SECRET_FIELDS
        if secret:
            lines[number] = f"{name}: {REDACTED}{ending}"
    return "\n".join(lines)


def _redact_bytes(record: BytesRecord) -> BytesRecord:
    """Of bytes only heads are text that is known to hold secrets."""
    text = base64.b64decode(record.raw).decode("latin-1")
    if record.of != "head" and _HEAD.search(text) is None:
        return record
    clean = redact_head(text)
    if clean == text:
        return record
    raw = base64.b64encode(clean.encode("latin-1")).decode()
    return msgspec.structs.replace(record, raw=raw, redacted=True)
