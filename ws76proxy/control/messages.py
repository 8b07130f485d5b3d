"""What goes over a control socket: a line of JSON for each request, answer and event."""

from __future__ import annotations

import difflib
from typing import Any, Literal

import msgspec

from ws76proxy.errors import Ws76Error
from ws76proxy.record import Peer

__all__ = [
    "PROTOCOL",
    "REQUESTS",
    "AnyAnswer",
    "AnyRequest",
    "DoneAnswer",
    "DropRequest",
    "EditRequest",
    "ErrorAnswer",
    "GoneEvent",
    "GoneHow",
    "Greeting",
    "HeldAnswer",
    "HeldMessage",
    "HeldRequest",
    "OpenSession",
    "PingRequest",
    "PongAnswer",
    "RecordEvent",
    "RefusedError",
    "ReleaseRequest",
    "SessionsAnswer",
    "SessionsRequest",
    "ShowRequest",
    "ShownAnswer",
    "WaitingEvent",
    "WatchRequest",
    "WatchingAnswer",
    "read_id",
    "read_request",
]

PROTOCOL = 1
"""Goes up when a program that speaks the former one would be misled."""

Id = int | str
GoneHow = Literal["released", "edited", "dropped", "session-ended"]


class RefusedError(Ws76Error):
    """A request that cannot be done; the same for every way in which a person may ask."""

    def __init__(self, code: str, found: str, expected: str) -> None:
        super().__init__(f"found {found}; expected {expected}")
        self.code = code
        self.found = found
        self.expected = expected


# Requests


class _Request(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="request", forbid_unknown_fields=True
):
    """What every request has: its own name, which comes back with the answer."""

    id: Id


class HeldRequest(_Request, frozen=True, kw_only=True, tag="held"):
    """Which messages wait."""


class ShowRequest(_Request, frozen=True, kw_only=True, tag="show"):
    """The whole content of one."""

    message: str


class ReleaseRequest(_Request, frozen=True, kw_only=True, tag="release"):
    """It goes on as it is."""

    message: str


class EditRequest(_Request, frozen=True, kw_only=True, tag="edit"):
    """It goes on with another content: exactly one of `text`, and `payload` in base64."""

    message: str
    text: str | None = None
    payload: bytes | None = None

    def __post_init__(self) -> None:
        if (self.text is None) == (self.payload is None):
            raise ValueError("exactly one of `text` and `payload` is needed")

    @property
    def content(self) -> bytes:
        """The bytes of the message that is to go on."""
        return self.payload if self.text is None else self.text.encode()  # type: ignore[return-value]


class DropRequest(_Request, frozen=True, kw_only=True, tag="drop"):
    """It does not go on."""

    message: str


class WatchRequest(_Request, frozen=True, kw_only=True, tag="watch"):
    """From now on tell what begins to wait and what has gone; with `records`, every record too."""

    records: bool = False


class SessionsRequest(_Request, frozen=True, kw_only=True, tag="sessions"):
    """Which sessions are open."""


class PingRequest(_Request, frozen=True, kw_only=True, tag="ping"):
    """Whether anybody is there."""


AnyRequest = (
    HeldRequest
    | ShowRequest
    | ReleaseRequest
    | EditRequest
    | DropRequest
    | WatchRequest
    | SessionsRequest
    | PingRequest
)

_NAMED = '"message": "3.17"'
REQUESTS = {
    "held": "",
    "show": _NAMED,
    "release": _NAMED,
    "edit": f'{_NAMED}, "text": "…" (or "payload": "base64")',
    "drop": _NAMED,
    "watch": '"records": true (or without it)',
    "sessions": "",
    "ping": "",
}
"""Each request, and what it takes besides its id."""


# Answers and events


class HeldMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that waits. `number`: its number among those of the peer that said it.

    `text` is its content, or the beginning of it where not `whole`; where that is not UTF-8 the
    bytes are in `payload`, in base64. `size` is that of the content in bytes. `left`: seconds until
    it goes on by itself; null: never. `rule` is the one that holds it.
    """

    name: str
    session: int
    direction: Peer
    number: int
    rule: str
    size: int
    text: str
    payload: bytes | None = None
    whole: bool
    left: float | None


class OpenSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that goes on. `age` in seconds; `waiting`: how many of its messages are held."""

    session: int
    dialect: str
    path: str
    age: float
    client_messages: int
    client_bytes: int
    server_messages: int
    server_bytes: int
    waiting: int


class _Line(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Whatever the relay says."""


class Greeting(_Line, frozen=True, kw_only=True, tag="greeting"):
    """The first line. `records` is the version of the schema of records; limits in bytes."""

    protocol: int
    tool: str
    records: int
    longest_line: int
    most_waiting: int


class _Answer(_Line, frozen=True, kw_only=True):
    id: Id


class HeldAnswer(_Answer, frozen=True, kw_only=True, tag="held"):
    """The messages that wait, each with the beginning of its content."""

    messages: list[HeldMessage]


class ShownAnswer(_Answer, frozen=True, kw_only=True, tag="shown"):
    """One of them with all of its content."""

    message: HeldMessage


class DoneAnswer(_Answer, frozen=True, kw_only=True, tag="done"):
    """As asked."""


class WatchingAnswer(_Answer, frozen=True, kw_only=True, tag="watching"):
    """Events follow; these messages wait already."""

    messages: list[HeldMessage]


class SessionsAnswer(_Answer, frozen=True, kw_only=True, tag="sessions"):
    """The sessions that are open."""

    sessions: list[OpenSession]


class PongAnswer(_Answer, frozen=True, kw_only=True, tag="pong"):
    """Somebody is there."""


class ErrorAnswer(_Line, frozen=True, kw_only=True, tag="error"):
    """It was not done. `id` is null where none could be read, and where nothing was asked."""

    id: Id | None
    code: str
    found: str
    expected: str


class WaitingEvent(_Line, frozen=True, kw_only=True, tag="waiting"):
    """A message begins to wait."""

    message: HeldMessage


class GoneEvent(_Line, frozen=True, kw_only=True, tag="gone"):
    """It waits no longer; `by` "time": nobody has decided in time."""

    name: str
    session: int
    how: GoneHow
    by: Literal["person", "time", "relay"]


class RecordEvent(_Line, frozen=True, kw_only=True, tag="record"):
    """A record, as `--json` prints it."""

    record: msgspec.Raw


AnyAnswer = (
    Greeting
    | HeldAnswer
    | ShownAnswer
    | DoneAnswer
    | WatchingAnswer
    | SessionsAnswer
    | PongAnswer
    | ErrorAnswer
    | WaitingEvent
    | GoneEvent
    | RecordEvent
)


# Reading requests


def read_request(line: bytes) -> AnyRequest:
    """A line as a request. Raises `RefusedError` "bad-request" where it is none."""
    try:
        request: AnyRequest = _REQUEST.decode(line)
    except RecursionError:
        raise RefusedError("bad-request", "JSON that is nested too deeply", _A_REQUEST) from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        fault = str(error)
    else:
        return request
    asked = _loosely(line)
    if not isinstance(asked, dict):
        is_json = asked is not _NO_JSON
        kind = f"{type(asked).__name__} in place of an object" if is_json else fault
        raise RefusedError("bad-request", kind, _A_REQUEST)
    name = asked.get("request")
    if not isinstance(name, str) or name not in REQUESTS:
        near = difflib.get_close_matches(str(name)[:40], REQUESTS, 1)
        hint = f" (such as {near[0]})" if near else ""
        named = "no request" if name is None else f"the request {_short(name)}"
        raise RefusedError("bad-request", named, f"one of {', '.join(REQUESTS)}{hint}")
    fields = ", ".join(filter(None, (f'{{"id": 1, "request": "{name}"', REQUESTS[name])))
    raise RefusedError("bad-request", f"in the request {name}: {fault}", fields + "}")


def read_id(line: bytes) -> Id | None:
    """The id of a line that is no request, where it has one."""
    asked = _loosely(line)
    name = asked.get("id") if isinstance(asked, dict) else None
    # A boolean is an integer to Python, and none to JSON.
    return name if isinstance(name, int | str) and not isinstance(name, bool) else None


_REQUEST = msgspec.json.Decoder(AnyRequest)
_A_REQUEST = 'a request on one line, such as {"id": 1, "request": "held"}'
_NO_JSON = object()


def _loosely(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
        return _NO_JSON


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
