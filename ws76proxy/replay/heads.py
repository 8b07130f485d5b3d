"""The opening handshake of a replay: the recorded heads made fit for a new peer, and compared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ws76proxy.diagnosis import expected_location
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.errors import UsageError
from ws76proxy.redaction import REDACTED
from ws76proxy.replay.expect import Difference
from ws76proxy.replay.plan import Plan
from ws76proxy.wire import hixie75, hixie76
from ws76proxy.wire.challenge import Challenge
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import Field, Head, RequestHead, ResponseHead

__all__ = [
    "Header",
    "NewHead",
    "answer_for",
    "answer_notes",
    "asked_protocol",
    "compare_answers",
    "parse_header",
    "request_for",
]

HeadType = TypeVar("HeadType", bound=Head)

_REDACTED = REDACTED.encode()
# Fields of the one dialect, and what the other calls them.
_RENAMED = (b"websocket-protocol", b"websocket-origin", b"websocket-location")
_KEYS = (b"sec-websocket-key1", b"sec-websocket-key2")
_NOT_HIXIE = (
    b"sec-websocket-key",
    b"sec-websocket-version",
    b"sec-websocket-extensions",
    b"sec-websocket-accept",
)
# What says nothing about a server's behaviour when it is another the next time.
_VOLATILE = frozenset({"date", "server", "set-cookie", "set-cookie2"})


@dataclass(frozen=True, slots=True)
class Header:
    """A field for the replayed request: it replaces those of that name, or is added; `value` None:
    they are left out."""

    name: str
    value: str | None


@dataclass(slots=True)
class NewHead:
    """A head for the new peer, and what a person must know about it."""

    head: RequestHead
    notes: list[str] = field(default_factory=list)


def parse_header(text: str) -> Header:
    """Read ``Name: value``, or ``Name:`` to leave a field out. Raises UsageError."""
    name, colon, value = text.partition(":")
    value = value.strip()
    if not colon or not name.strip() or not name.isascii() or any(map(str.isspace, name)):
        raise UsageError(f"{text!r}: expected 'Name: value', or 'Name:' to leave a field out")
    if "\n" in value or "\r" in value:
        raise UsageError(f"{text!r}: found a line end in the value; expected one line")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise UsageError(f"{text!r}: found a value outside of Latin-1") from None
    return Header(name, value or None)


def request_for(
    plan: Plan,
    host: str,
    challenge: Challenge | None,
    *,
    resource: str | None = None,
    headers: Sequence[Header] = (),
) -> NewHead:
    """The recorded request for a new server: order, case and values as recorded, another Host and
    fresh keys. What had been redacted is left out unless `headers` gives it."""
    new = NewHead(plan.request)
    head = plan.request
    if resource is not None:
        head = _with_target(head, resource.encode("latin-1"))
    elif plan.request_redacted and _REDACTED in head.target:
        new.notes.append(
            f"{plan.name}: the resource {plan.target} has been redacted, and is asked for as it"
            " stands; give the real one with --resource, or record with --record-secrets"
        )
    given = {header.name.lower().encode() for header in headers}
    if plan.request_redacted:
        for old in [one for one in head.fields if _REDACTED in one.after_colon]:
            name = old.name.decode("latin-1")
            head = _without(head, old.name.lower())
            if old.name.lower() not in given:
                new.notes.append(
                    f"{plan.name}: {name} has been redacted, and is left out; give it with"
                    f" --header '{name}: ...', or record with --record-secrets"
                )
    head = _in_dialect(head, plan.recorded, plan.dialect)
    host_field = head.get(b"host")
    if host_field is not None:
        head = head.replace_field(
            host_field, host.encode("idna" if not host.isascii() else "ascii")
        )
    if challenge is not None:
        for key_name, key in zip(_KEYS, (challenge.key1, challenge.key2), strict=True):
            old_key = head.get(key_name)
            if old_key is None:
                head = head.add_field(_titled(key_name), key.text)
            else:
                head = head.replace_field(old_key, key.text)
    for header in headers:
        head = _with_header(head, header)
    new.head = head
    return new


def answer_for(plan: Plan, request: RequestHead, dialect: Dialect, *, secure: bool) -> ResponseHead:
    """The recorded answer for this client: its location and origin, the rest as recorded."""
    head = plan.response
    assert head is not None  # noqa: S101 - asked only where there is one
    if plan.response_redacted:
        for old in head.fields:
            if _REDACTED in old.after_colon and not _is_named(old, b"websocket-location"):
                head = _without(head, old.name.lower())
    if head.status == 101:
        head = _in_dialect(head, plan.recorded, dialect)
    values: dict[Field, bytes] = {}
    origin = request.value(b"origin")
    for one in head.fields:
        if _is_named(one, b"websocket-location"):
            values[one] = expected_location(request, secure)
        elif _is_named(one, b"websocket-origin") and origin is not None:
            values[one] = origin
    return head.replace_fields(values)


def compare_answers(
    plan: Plan, sent: RequestHead, got: ResponseHead, ignored: Collection[str] = ()
) -> Iterator[Difference]:
    """What a server's head says otherwise than the recorded one.

    `sent` is the request that it answers; `ignored` are names of fields, in any case. Not compared:
    the reason phrase, Date, Server, the values of cookies, and the address in the location.
    """
    recorded = plan.response
    if recorded is None:
        return
    if recorded.status != got.status:
        yield _difference(plan, f"status: recorded {recorded.status}, got {got.status}")
    same_dialect = plan.dialect is plan.recorded
    if plan.recorded is Dialect.RFC_6455 or recorded.status != got.status:
        return
    skipped = {name.lower() for name in ignored}
    before, after = (_values(head, same_dialect) for head in (recorded, got))
    for name in [*before, *(name for name in after if name not in before)]:
        if name in skipped:
            continue
        old, new = before.get(name, []), after.get(name, [])
        shown = _shown(got if new else recorded, name, same_dialect)
        if not new:
            yield _difference(plan, f"{shown}: recorded {_list(old)}, now missing")
        elif not old:
            asked = asked_protocol(sent) if name.endswith("websocket-protocol") else b"asked"
            unasked = ", which was not asked for" if asked is None else ""
            yield _difference(plan, f"{shown}: not in the recording, got {_list(new)}{unasked}")
        elif not _same_values(name, old, new, plan, sent):
            yield _difference(plan, f"{shown}: recorded {_list(old)}, got {_list(new)}")


def asked_protocol(head: RequestHead) -> bytes | None:
    """The subprotocol that a client asks for, in any dialect."""
    for name in (b"sec-websocket-protocol", b"websocket-protocol"):
        one = head.get(name)
        if one is not None:
            return one.stripped
    return None


def answer_notes(plan: Plan) -> list[str]:
    """What a person must know about the answer that clients get: what has been redacted."""
    if plan.response is None or not plan.response_redacted:
        return []
    names = {
        one.name.decode("latin-1")
        for one in plan.response.fields
        if _REDACTED in one.after_colon and not _is_named(one, b"websocket-location")
    }
    return [
        f"{plan.name}: {name} has been redacted, and is left out of the answer; record with"
        " --record-secrets to keep it"
        for name in sorted(names)
    ]


def _difference(plan: Plan, text: str) -> Difference:
    response = plan.session.response
    where = ""
    if response is not None:
        where = plan.session.where(plan.session.records.index(response))
    return Difference("handshake", "server", where, detail=text)


def _values(head: Head, same_dialect: bool) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for one in head.fields:
        found.setdefault(_common_name(one.name, same_dialect), []).append(one.stripped)
    return found


def _common_name(name: bytes, same_dialect: bool) -> str:
    lowered = name.strip().lower().decode("latin-1")
    return lowered if same_dialect else lowered.removeprefix("sec-")


def _shown(head: Head, name: str, same_dialect: bool) -> str:
    for one in head.fields:
        if _common_name(one.name, same_dialect) == name:
            return one.name.decode("latin-1")
    return name


def _same_values(
    name: str, old: list[bytes], new: list[bytes], plan: Plan, sent: RequestHead
) -> bool:
    if name in _VOLATILE or old == new:
        return True
    if plan.response_redacted and any(_REDACTED in value for value in old):
        return True
    if name.endswith("websocket-location"):
        return [_path(url) for url in old] == [_path(url) for url in new]
    if name.endswith("websocket-origin"):
        # What is right is the client's own, and that may be another now.
        own = plan.request.get(b"origin")
        now = sent.get(b"origin")
        if own is not None and now is not None:
            return [own.stripped] == old and [now.stripped] == new
    return False


def _path(url: bytes) -> bytes:
    _, separator, rest = url.partition(b"://")
    return rest.partition(b"/")[2] if separator else url


def _list(values: list[bytes]) -> str:
    return ", ".join(map(quoted, values))


def _is_named(one: Field, name: bytes) -> bool:
    return one.name.lower().removeprefix(b"sec-") == name


def _titled(name: bytes) -> bytes:
    return name.title().replace(b"Websocket", b"WebSocket")


def _without(head: HeadType, name: bytes) -> HeadType:
    while (old := head.get(name)) is not None:
        head = head.remove_field(old)
    return head


def _with_header(head: RequestHead, header: Header) -> RequestHead:
    name = header.name.lower().encode()
    first = head.get(name)
    if header.value is None or first is None:
        head = _without(head, name)
        if header.value is not None:
            head = head.add_field(header.name.encode(), header.value.encode("latin-1"))
        return head
    for more in reversed(head.get_all(name)[1:]):
        head = head.remove_field(more)
    return head.replace_field(first, header.value.encode("latin-1"))


def _with_target(head: RequestHead, target: bytes) -> RequestHead:
    return head.replace_start_line(b" ".join([head.method, target, head.version]))


def _in_dialect(head: HeadType, recorded: Dialect, wanted: Dialect) -> HeadType:
    """The head with the other dialect's names, without what that does not know."""
    if recorded is wanted:
        return head
    unwanted = (*_NOT_HIXIE, *_KEYS) if wanted is Dialect.HIXIE_75 else _NOT_HIXIE
    for name in unwanted:
        head = _without(head, name)
    before, after = (b"sec-", b"") if wanted is Dialect.HIXIE_75 else (b"", b"sec-")
    for name in _RENAMED:
        while (old := head.get(before + name)) is not None:
            head = head.rename_field(old, _titled(after + name))
    upgrade = head.get(b"upgrade")
    if upgrade is not None and recorded is Dialect.RFC_6455:
        head = head.replace_field(upgrade, b"WebSocket")
    if isinstance(head, ResponseHead):
        wire = hixie75 if wanted is Dialect.HIXIE_75 else hixie76
        head = head.replace_start_line(wire.STATUS_LINE.encode())
    return head
