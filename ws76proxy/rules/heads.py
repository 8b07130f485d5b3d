"""What actions on heads do: each takes a head at work and says whether it did something."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise
from typing import Any, Generic, TypeVar, assert_never

from msgspec import UnsetType

from ws76proxy.diagnosis import HYPOTHESES, cause_of
from ws76proxy.errors import UsageError
from ws76proxy.rules.chance import Chance
from ws76proxy.rules.decisions import (
    Change,
    Closing,
    HeadChange,
    MadeAnswer,
    RequestDecision,
    ResponseDecision,
    Side,
    Split,
)
from ws76proxy.rules.errors import Fault, Path, found_text, nearest
from ws76proxy.rules.facts import check_field_name, split_target
from ws76proxy.rules.inputs import seconds_at
from ws76proxy.rules.language import actions as language
from ws76proxy.wire.dialect import Dialect

__all__ = ["HeadWork", "RequestDeed", "ResponseDeed", "request_deed_at", "response_deed_at"]

Decision = TypeVar("Decision", RequestDecision, ResponseDecision)

_LINE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*\Z")
_RESOURCE = re.compile(r"[!-~]*\Z")
_PROTOCOL = "WebSocket-Protocol"
_STATUS_LINE = re.compile(r"HTTP/[0-9.]+ [0-9]{3}(?: |\Z)")


@dataclass(slots=True)
class HeadWork(Generic[Decision]):
    """A head, what rules have decided about it so far, and the rule whose turn it is."""

    decision: Decision
    side: Side
    dialect: str
    rule: str
    chance: Chance

    def tell(self, deed: str, detail: str) -> bool:
        """Note what does not change the head; always True."""
        self.decision.notes.append(Change(self.rule, deed, detail=detail))
        return True

    def change(self, what: str, before: bytes | None, after: bytes | None) -> None:
        """Note what has been changed in the head."""
        self.decision.changes.append(HeadChange(self.rule, what, before, after))

    def prefixed(self, name: str) -> str:
        """What a field of the opening handshake is called in this dialect."""
        return name if self.dialect == Dialect.HIXIE_75 else f"Sec-{name}"


AnyDeed = Callable[[HeadWork[Any]], bool]
RequestDeed = Callable[[HeadWork[RequestDecision]], bool]
ResponseDeed = Callable[[HeadWork[ResponseDecision]], bool]
_Common = (
    language.SetField
    | language.RemoveField
    | language.RenameField
    | language.Delay
    | language.Split
    | language.Close
    | language.Mark
)


def request_deed_at(path: Path, action: language.RequestAction, turn: int) -> RequestDeed:
    """The action at a path; raises Fault. `turn`: which of its rule's actions it is."""
    match action:
        case language.SetInRequest():
            return _set_in_request(path, action)
        case language.Answer():
            return _answer(path, action)
        case language.CutKey3():
            return _cut_key3(action.bytes)
        case _:
            return _deed_at(path, action, turn)


def response_deed_at(path: Path, action: language.ResponseAction, turn: int) -> ResponseDeed:
    """The action at a path; raises Fault. `turn`: which of its rule's actions it is."""
    match action:
        case language.SetInResponse():
            return _set_in_response(path, action)
        case language.CorruptDigest():
            return _corrupt_digest(path, action.bug)
        case _:
            return _deed_at(path, action, turn)


def _deed_at(path: Path, action: _Common, turn: int) -> AnyDeed:
    match action:
        case language.SetField():
            check_field_name((*path, "name"), action.name)
            value = _value((*path, "value"), action.value)
            return lambda work: _put_field(work, action.name, value)
        case language.RemoveField():
            check_field_name((*path, "name"), action.name)
            return lambda work: _remove_field(work, action.name)
        case language.RenameField():
            check_field_name((*path, "name"), action.name)
            check_field_name((*path, "to"), action.to)
            return lambda work: _rename_field(work, action.name, action.to)
        case language.Delay():
            return _delay(path, action, f"delay {turn}")
        case language.Split():
            return _split(path, action)
        case language.Close():
            return lambda work: _close(work, action)
        case language.Mark():
            return lambda work: work.tell("mark", action.text)
        case _:
            assert_never(action)


def _value(path: Path, text: str) -> bytes:
    if not _LINE.match(text):
        raise Fault(path, f"expected one line without control characters, found {found_text(text)}")
    return text.encode()


def _put_field(work: HeadWork[Any], name: str, value: bytes) -> bool:
    """Give the first field of that name this value, and take further ones away."""
    head = work.decision.head
    first, *others = head.get_all(name.lower().encode()) or (None,)
    if first is None:
        work.decision.head = head.add_field(name.encode(), value)
        work.change(name, None, value)
        return True
    for one in reversed(others):
        head = head.remove_field(one)
        work.change(name, one.value, None)
    if first.value != value:
        head = head.replace_field(first, value)
        work.change(name, first.value, value)
    changed = head is not work.decision.head
    work.decision.head = head
    return changed


def _remove_field(work: HeadWork[Any], name: str) -> bool:
    head = work.decision.head
    found = head.get_all(name.lower().encode())
    for one in reversed(found):
        head = head.remove_field(one)
        work.change(one.name.decode("latin-1"), one.value, None)
    work.decision.head = head
    return bool(found)


def _rename_field(work: HeadWork[Any], name: str, to: str) -> bool:
    head = work.decision.head
    found = [one for one in head.get_all(name.lower().encode()) if one.name != to.encode()]
    for one in reversed(found):
        head = head.rename_field(one, to.encode())
        work.change(one.name.decode("latin-1"), one.value, None)
        work.change(to, None, one.value)
    work.decision.head = head
    return bool(found)


def _delay(path: Path, action: language.Delay, purpose: str) -> AnyDeed:
    low, high = seconds_at((*path, "seconds"), action.seconds)

    def act(work: HeadWork[Any]) -> bool:
        seconds = work.chance.between(low, high, work.side, 0, purpose)
        work.decision.delay += seconds
        return seconds > 0 and work.tell("delay", f"{seconds:g} s")

    return act


def _split(path: Path, action: language.Split) -> AnyDeed:
    for index, (one, following) in enumerate(pairwise(action.at), 1):
        if following <= one:
            text = f"expected an offset above {one}, found the number {following}"
            raise Fault((*path, "at", index), text)
    at = tuple(action.at)
    offsets = ", ".join(map(str, at))

    def act(work: HeadWork[Any]) -> bool:
        work.decision.split = Split(work.rule, at, action.pause)
        return work.tell("split", f"at {offsets}, {action.pause:g} s between")

    return act


def _close(work: HeadWork[Any], action: language.Close) -> bool:
    work.decision.closing = Closing(work.rule, action.how, action.to)
    return work.tell("close", f"{action.how} to {action.to}")


def _set_in_request(path: Path, action: language.SetInRequest) -> RequestDeed:
    wanted = _values(path, action, ("origin", "host", "subprotocol"))
    new_path = _resource(path, "path", action.path)
    new_query = _resource(path, "query", action.query)
    if new_path is not None and not new_path.startswith(b"/"):
        text = f"expected a path that begins with /, found {found_text(action.path)}"
        raise Fault((*path, "path"), text)
    if new_path is not None and b"?" in new_path:
        text = f"expected a path without ? (query sets it), found {found_text(action.path)}"
        raise Fault((*path, "path"), text)

    def act(work: HeadWork[RequestDecision]) -> bool:
        head = work.decision.head
        before, old_path, old_query = split_target(head.target)
        query = old_query if new_query is None else new_query or None
        target = before + (old_path if new_path is None else new_path)
        target += b"" if query is None else b"?" + query
        did = target != head.target
        if did:
            line = b" ".join([head.method, target, *([head.version] if head.version else [])])
            work.change("request line", head.start_line, line)
            work.decision.head = head.replace_start_line(line)
        names = {"origin": "Origin", "host": "Host", "subprotocol": work.prefixed(_PROTOCOL)}
        return _put_all(work, names, wanted) or did

    return act


def _set_in_response(path: Path, action: language.SetInResponse) -> ResponseDeed:
    wanted = _values(path, action, ("location", "origin", "subprotocol"))
    status_line = None
    if isinstance(action.status_line, str):
        status_line = _value((*path, "status-line"), action.status_line)
        if not _STATUS_LINE.match(action.status_line):
            found = found_text(action.status_line)
            text = f"expected a status line, such as 'HTTP/1.1 101 Hello', found {found}"
            raise Fault((*path, "status-line"), text)

    def act(work: HeadWork[ResponseDecision]) -> bool:
        head = work.decision.head
        did = status_line is not None and status_line != head.start_line
        if status_line is not None and did:
            work.change("status line", head.start_line, status_line)
            work.decision.head = head.replace_start_line(status_line)
        names = {
            "location": work.prefixed("WebSocket-Location"),
            "origin": work.prefixed("WebSocket-Origin"),
            "subprotocol": work.prefixed(_PROTOCOL),
        }
        return _put_all(work, names, wanted) or did

    return act


def _values(path: Path, action: language.Action, keys: tuple[str, ...]) -> dict[str, bytes]:
    given = {key: getattr(action, key) for key in keys}
    return {
        key: _value((*path, key), value) for key, value in given.items() if isinstance(value, str)
    }


def _resource(path: Path, key: str, value: str | UnsetType) -> bytes | None:
    if isinstance(value, UnsetType):
        return None
    if not _RESOURCE.match(value) or "#" in value:
        text = f"expected printable ASCII without spaces and #, found {found_text(value)}"
        raise Fault((*path, key), text)
    return value.encode()


def _put_all(work: HeadWork[Any], names: dict[str, str], wanted: dict[str, bytes]) -> bool:
    did = [_put_field(work, names[key], value) for key, value in wanted.items()]
    return any(did)


def _answer(path: Path, action: language.Answer) -> RequestDeed:
    body = action.body.encode()
    if isinstance(action.reason, UnsetType):
        known = {one.value: one.phrase for one in HTTPStatus}
        reason = known.get(action.status, "")
    else:
        reason = action.reason
    reason_bytes = _value((*path, "reason"), reason)
    lines = [f"HTTP/1.1 {action.status} ".encode() + reason_bytes]
    names = set()
    for name, value in action.fields.items():
        check_field_name((*path, "fields", name), name, at_key=True)
        names.add(name.lower())
        lines.append(name.encode() + b": " + _value((*path, "fields", name), value))
    if "content-length" not in names and "transfer-encoding" not in names and action.status >= 200:
        lines.append(f"Content-Length: {len(body)}".encode())
    if "connection" not in names:
        lines.append(b"Connection: close")
    data = b"\r\n".join([*lines, b"", body])

    def act(work: HeadWork[RequestDecision]) -> bool:
        work.decision.answer = MadeAnswer(work.rule, data, action.status)
        return work.tell("answer", str(action.status))

    return act


def _cut_key3(size: int) -> RequestDeed:
    def act(work: HeadWork[RequestDecision]) -> bool:
        work.decision.key3_bytes = size
        return work.tell("cut-key3", f"{size} of 8 bytes")

    return act


def _corrupt_digest(path: Path, bug: str) -> ResponseDeed:
    try:
        code = cause_of(bug).code
    except UsageError as error:
        unknown = [one for one in bug.split("+") if one not in HYPOTHESES]
        if not unknown:
            text = f"expected one bug, or two that can be combined, found {bug!r}: {error}"
            raise Fault((*path, "bug"), text) from None
        text = f"expected the code of a wrong way to answer a challenge, found {unknown[0]!r}"
        raise Fault((*path, "bug"), text + nearest(unknown[0], HYPOTHESES)) from None

    def act(work: HeadWork[ResponseDecision]) -> bool:
        work.decision.bug, work.decision.bug_by = code, work.rule
        return work.tell("corrupt-digest", code)

    return act
