"""Bytes of a pasted handshake, looked at as the relay would have looked at them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeVar

import msgspec

from ws76proxy.diagnosis import Severity, check_unfinished
from ws76proxy.endpoint import Endpoint, parse_address
from ws76proxy.errors import UsageError
from ws76proxy.explain.challenge import challenge_record
from ws76proxy.explain.explained import Explained
from ws76proxy.explain.model import Pasted
from ws76proxy.record import (
    AnyRecord,
    ChallengeRecord,
    ClosingRecord,
    FindingRecord,
    HttpRecord,
    RequestRecord,
    ResponseRecord,
    SessionEndRecord,
    finding_record,
)
from ws76proxy.recording.capture.watched import Watched
from ws76proxy.session import Peer
from ws76proxy.wire import Dialect, RequestHead, ResponseHead, hixie76
from ws76proxy.wire.challenge import DIGEST_SIZE, KEY3_SIZE, Challenge

__all__ = ["look_at"]

One = TypeVar("One")

_NOBODY = ("", 0)
# Only in the right order of both streams could this be seen.
_ABOUT_ORDER = "early-client-frames"
_ABOUT_THE_END = {"closed-without-handshake", "close-unanswered"}
# With these there is no handshake that could be unfinished.
_NO_HANDSHAKE = {"head-refused", "tls-on-plain-port", "flash-policy-request", "unknown-protocol"}


def look_at(
    pasted: Pasted, source: str, number: int, *, secure: bool, ignored: Collection[str]
) -> Explained:
    """Everything that can be said of a pasted handshake.

    `secure`: it went over TLS. `ignored` are codes of findings that are left out.
    """
    handshake = _Handshake(pasted, number, secure=secure)
    explained = Explained(source, number, pasted.kind, handshake.server, [*pasted.notes])
    left_out = {*ignored} if pasted.is_ordered else {*ignored, _ABOUT_ORDER}
    for record in [*handshake.told, *handshake.missing()]:
        explained.add(record, left_out)
    explained.add(handshake.end(explained.findings), ())
    explained.asked = handshake.unanswered
    if handshake.is_request_alone:
        explained.notes.append("there is no answer in it: nothing is said of the server")
    if any(one.code == "frame-unfinished" for one in explained.findings):
        explained.notes.append(
            "what was given ends inside a frame: if more was sent, that finding does not count"
        )
    if not secure and handshake.speaks_of_tls:
        explained.notes.append(
            "the answer names a wss address: if the client used TLS, say so with --wss"
        )
    return explained


class _Handshake:
    """What the relay would have told, and what of the handshake is not there."""

    def __init__(self, pasted: Pasted, number: int, *, secure: bool) -> None:
        self._number = number
        self._secure = secure
        self._is_exact = pasted.is_exact
        self._client, self._server = pasted.stream(Peer.CLIENT), pasted.stream(Peer.SERVER)
        self._client_base = self._server_base = 0
        self.told, self._end = _told(pasted, number, secure)
        request, response = _first(self.told, RequestRecord), _first(self.told, ResponseRecord)
        self._dialect = Dialect.UNKNOWN if request is None else Dialect(request.dialect)
        self._request: RequestHead | None = None
        self._response: ResponseHead | None = None
        self._key3 = self._digest = b""
        if request is not None:
            self._request = RequestHead(request.head.encode("latin-1"))
            self._client_base = request.offset
            self._key3 = self._client[request.offset + len(request.head) :][:KEY3_SIZE]
        if response is not None:
            self._response = ResponseHead(response.head.encode("latin-1"))
            self._server_base = response.offset
            self._digest = self._server[response.offset + len(response.head) :][:DIGEST_SIZE]

    @property
    def is_request_alone(self) -> bool:
        """Whether it is a handshake of which the server's part has not been given."""
        return self._request is not None and self._is_open and not self._server

    @property
    def _is_open(self) -> bool:
        """Whether it is a handshake, and nothing says how it went."""
        for record in self.told:
            if isinstance(record, ChallengeRecord | HttpRecord):
                return False
            if isinstance(record, FindingRecord) and record.code in _NO_HANDSHAKE:
                return False
        if self._request is None or not self._dialect.is_hixie:
            return self._request is None and bool(self._client)
        if self._response is None:
            return True
        return self._dialect is Dialect.HIXIE_76 and self._response.status == 101

    @property
    def _challenge(self) -> Challenge | None:
        if self._request is None or self._dialect is not Dialect.HIXIE_76:
            return None
        return hixie76.challenge_of(self._request, self._key3)

    @property
    def unanswered(self) -> Challenge | None:
        """The challenge, where all of it is there and nothing of the answer is."""
        whole = len(self._key3) == KEY3_SIZE and not self._digest
        return self._challenge if whole and self._is_open else None

    def missing(self) -> Iterator[AnyRecord]:
        """What is not there, where that is known to be missing."""
        if not (self._is_exact and self._is_open):
            return
        if self._response is not None:
            yield challenge_record(
                self._number, self._challenge, self._key3, self._digest, "missing"
            )
        is_whole = len(self._key3) == KEY3_SIZE or self._dialect is Dialect.HIXIE_75
        if self.is_request_alone and is_whole:
            # Whoever pastes a request alone does not say that there was no answer.
            return
        diagnoses = check_unfinished(
            self._dialect,
            request=self._request,
            key3=self._key3,
            response=self._response,
            digest=self._digest,
            ended_by="input",
            client_base=self._client_base,
            server_base=self._server_base,
            answer=b"" if self._response is not None else self._server,
        )
        for diagnosis in diagnoses:
            yield finding_record(self._number, 0.0, diagnosis)

    def end(self, findings: list[FindingRecord]) -> SessionEndRecord:
        """How it ended, with these findings."""
        codes = [one.code for one in findings if one.severity is not Severity.GOOD]
        unique = list(dict.fromkeys(codes))
        is_missing = self._is_exact and self._is_open and self._response is not None
        verdict = "missing" if is_missing else self._end.verdict
        return msgspec.structs.replace(self._end, findings=unique, verdict=verdict)

    @property
    def server(self) -> str:
        """The server that the request is for, by its Host field."""
        host = None if self._request is None else self._request.get(b"host")
        text = "" if host is None else host.stripped.decode("latin-1").lower()
        try:
            return str(Endpoint(self._secure, *parse_address(text)))
        except UsageError:
            port = 443 if self._secure else 80
            return str(Endpoint(self._secure, text.strip("[]"), port)) if text else ""

    @property
    def speaks_of_tls(self) -> bool:
        """Whether the answer is for a client that used TLS."""
        if self._response is None:
            return False
        names = (b"sec-websocket-location", b"websocket-location")
        locations = [field for name in names for field in self._response.get_all(name)]
        return any(field.stripped.startswith(b"wss:") for field in locations)


def _told(pasted: Pasted, number: int, secure: bool) -> tuple[list[AnyRecord], SessionEndRecord]:
    """What the relay would have told, had it looked on."""
    watched = Watched(number, 0, _NOBODY, Endpoint(secure, "", 0))
    told: list[AnyRecord] = [*watched.start()]
    # Nobody knows when it began, or from where.
    told.clear()
    for piece in pasted.pieces:
        told += watched.receive(piece.peer, piece.data, 0)
    if pasted.is_exact and _is_accepted(told):
        # Only then all is said of the last frames; whether the connection ended is not known.
        ends = [*watched.end_of_stream(Peer.CLIENT, 0), *watched.end_of_stream(Peer.SERVER, 0)]
        told += [record for record in ends if not _is_about_the_end(record)]
    # Its first record would say why it is broken off: everybody knows who has pasted something.
    told += [*watched.break_off("info", "", 0)][1:]
    end = told.pop()
    assert isinstance(end, SessionEndRecord)  # noqa: S101 - it comes last
    return told, end


def _is_accepted(told: list[AnyRecord]) -> bool:
    """Whether the opening handshake is whole, so that frames follow."""
    request, response = _first(told, RequestRecord), _first(told, ResponseRecord)
    if request is None or response is None or response.status != 101:
        return False
    return request.dialect == Dialect.HIXIE_75 or _first(told, ChallengeRecord) is not None


def _is_about_the_end(record: AnyRecord) -> bool:
    return isinstance(record, ClosingRecord) or (
        isinstance(record, FindingRecord) and record.code in _ABOUT_THE_END
    )


def _first(records: list[AnyRecord], kind: type[One]) -> One | None:
    return next((record for record in records if isinstance(record, kind)), None)
