"""The two halves of the opening handshake, and the end of a session, as a script sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Literal, NamedTuple

from ws76proxy.errors import LocalProtocolError
from ws76proxy.scripting.deeds import Side
from ws76proxy.scripting.headers import EditableHeaders
from ws76proxy.scripting.message import Edit
from ws76proxy.scripting.session import Session
from ws76proxy.wire.head import RequestHead, ResponseHead

__all__ = ["Answer", "Close", "Request", "Response"]


class Answer(NamedTuple):
    """A whole HTTP answer to the client in place of the server's."""

    script: str
    data: bytes
    status: int


class Request:
    """The client's opening handshake on its way to the server.

    `headers` can be edited; `answered` is what a script has said for the server. `edits` are those
    of earlier scripts. Once the function that got the request has returned it is on its way.
    """

    __slots__ = ("answered", "edits", "headers", "session")

    def __init__(self, session: Session, head: RequestHead) -> None:
        self.session = session
        self.headers = EditableHeaders(head)
        self.answered: Answer | None = None
        self.edits: tuple[Edit, ...] = ()

    @property
    def resource(self) -> str:
        """What the client asks for: path and query, in Latin-1.

        Set, resource, path and query raise LocalProtocolError for what cannot stand there: an
        empty text, a space, a control character, text outside of Latin-1.
        """
        return self.headers.head.target.decode("latin-1")

    @resource.setter
    def resource(self, value: str) -> None:
        head = self.headers.head
        method, space, rest = head.start_line.partition(b" ")
        end = rest[len(head.target) :]
        self.headers.head = head.replace_start_line(method + (space or b" ") + _target(value) + end)

    @property
    def path(self) -> str:
        """The resource before the first "?"."""
        return self.resource.partition("?")[0]

    @path.setter
    def path(self, value: str) -> None:
        if "?" in value:
            raise LocalProtocolError(
                f'expected a path without "?", found {value!r}: set `resource`'
            )
        _, mark, query = self.resource.partition("?")
        self.resource = value + mark + query

    @property
    def query(self) -> str:
        """The resource behind the first "?"; empty where there is none. Set to empty, "?" goes."""
        return self.resource.partition("?")[2]

    @query.setter
    def query(self, value: str) -> None:
        self.resource = f"{self.path}?{value}" if value else self.path

    def answer(
        self,
        status: int,
        reason: str = "",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        body: str | bytes = "",
    ) -> None:
        """Answer the client in place of the server, which never sees the request.

        `reason` is the usual one where none is given. Text is UTF-8. Unless the status is 101,
        these are added where `headers` do not have them: Connection, to end it; Content-Length,
        unless there is Transfer-Encoding; and Content-Type for a body that is text and not empty.
        Raises ValueError for a status that is not of three digits, LocalProtocolError for what
        cannot stand in a head.
        """
        if not isinstance(status, int) or not 100 <= status <= 999:
            raise ValueError(f"status: expected a number of three digits, found {status!r}")
        fields = list(headers.items() if isinstance(headers, Mapping) else headers)
        content = body.encode() if isinstance(body, str) else bytes(body)
        names = {name.lower() for name, _ in fields}
        if status != HTTPStatus.SWITCHING_PROTOCOLS:
            if content and isinstance(body, str) and "content-type" not in names:
                fields.append(("Content-Type", "text/plain; charset=utf-8"))
            if "content-length" not in names and "transfer-encoding" not in names:
                fields.append(("Content-Length", str(len(content))))
            if "connection" not in names:
                fields.append(("Connection", "close"))
        if "\r" in reason:
            raise LocalProtocolError(f"reason: expected one line, found {reason!r}")
        start_line = f"HTTP/1.1 {status} {reason or _usual_reason(status)}"
        made = EditableHeaders(ResponseHead.build(start_line, []))
        for name, value in fields:
            made.add(name, value)
        self.answered = Answer(self.session.script, made.head.raw + content, status)

    def __repr__(self) -> str:
        return f"<request of session {self.session.number}: {self.resource!r}>"


class Response:
    """The server's answer on its way to the client; its `headers` can be edited.

    `edits` are those of earlier scripts.
    """

    __slots__ = ("edits", "headers", "session")

    def __init__(self, session: Session, head: ResponseHead) -> None:
        self.session = session
        self.headers = EditableHeaders(head)
        self.edits: tuple[Edit, ...] = ()

    @property
    def status(self) -> int | None:
        """The code of three digits: 101 where the server agrees; None where there is none."""
        return self.headers.head.status

    def __repr__(self) -> str:
        return f"<response of session {self.session.number}: {self.status}>"


class Close(NamedTuple):
    """A session has ended: by whom (a side, or the "relay") and how, as its records say it."""

    session: Session
    by: Side | Literal["relay"]
    how: Literal["closing-handshake", "end-of-stream", "reset", "timeout", "shutdown"]


def _target(value: str) -> bytes:
    try:
        encoded = value.encode("latin-1")
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"resource: not encodable as Latin-1: {error}") from error
    if not encoded or any(byte <= 0x20 or byte == 0x7F for byte in encoded):
        raise LocalProtocolError(
            f"resource: expected text without spaces and control characters, found {value!r}"
        )
    return encoded


def _usual_reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Answered by a Script"
