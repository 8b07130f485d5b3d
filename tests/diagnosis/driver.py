"""Runs a sample through two wire connections and the checks, without a session in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ws76proxy.diagnosis import (
    Diagnosis,
    FrameChecks,
    Stream,
    check_digest,
    check_request,
    check_response,
    check_unfinished,
)
from ws76proxy.diagnosis.checks.challenge import EndedBy
from ws76proxy.wire import (
    ClosingHandshake,
    DigestBytes,
    Event,
    HeadRefused,
    Key3Bytes,
    MessageEvent,
    Reading,
    Request,
    Response,
    detect,
    dialect_of,
    hixie75,
    hixie76,
)
from ws76proxy.wire.dialect import Dialect

from .samples import Sample, play

__all__ = ["codes_of", "diagnose"]


def codes_of(sample: Sample) -> set[str]:
    """The codes of everything that the checks say about a sample."""
    return {diagnosis.finding.code for diagnosis in diagnose(sample)}


def diagnose(sample: Sample) -> list[Diagnosis]:
    """Everything that the checks say about a sample, in the order of its bytes."""
    driver = _Driver(sample)
    return [diagnosis for step in play(sample) for diagnosis in driver.step(*step)]


class _Driver:
    def __init__(self, sample: Sample) -> None:
        self._secure = sample.secure
        dialect = detect(sample.client)
        # A head that never ends says hixie-76 no later than in its first key.
        self._dialect = Dialect.HIXIE_76 if dialect is None else dialect
        assert self._dialect.is_hixie
        module = hixie76 if self._dialect is Dialect.HIXIE_76 else hixie75
        self._client: hixie76.ServerConnection | hixie75.ServerConnection
        self._client = module.ServerConnection()
        self._server: hixie76.ClientConnection | hixie75.ClientConnection
        self._server = module.ClientConnection()
        self._frames: dict[str, FrameChecks] = {}
        self._listener = sample.listener
        self._key3 = self._digest = self._answer = b""
        self._open = self._over = False

    def step(self, peer: str, data: bytes | None) -> Iterator[Diagnosis]:
        if data is None:
            yield from self._end(peer)
            return
        connection = self._client if peer == "client" else self._server
        if peer == "server" and self._server.head is None:
            self._answer += data
        connection.receive_data(data)
        yield from self._look(peer, connection.events())
        if connection.decoder is not None:
            yield from self._frames[peer].look_at_begun(connection.decoder)
        paused = Reading.PAUSED
        if not self._open and self._client.reading is self._server.reading is paused:
            head = self._server.head
            self._over = head is None or head.status != 101
            self._open = not self._over
            if self._open:
                legs = {Stream.CLIENT: self._client, Stream.SERVER: self._server}
                for stream, leg in legs.items():
                    begin = leg.frames_offset
                    self._frames[stream] = FrameChecks(stream, self._dialect, begin=begin)
                for stream, leg in legs.items():
                    leg.open()
                    yield from self._look(stream, leg.events())

    def _end(self, peer: str) -> Iterator[Diagnosis]:
        if not self._open and not self._over:
            self._over = True
            ended_by: EndedBy = "timeout"
            if peer != "timeout":
                ended_by = "client" if peer == "client" else "server"
            yield from check_unfinished(
                self._dialect,
                request=self._client.head,
                key3=self._key3,
                response=self._server.head,
                digest=self._digest,
                ended_by=ended_by,
                answer=b"" if self._server.head is not None else self._answer,
            )
        elif self._open:
            connection = self._client if peer == "client" else self._server
            connection.receive_eof()
            yield from self._look(peer, connection.events())

    def _look(self, peer: str, events: Sequence[Event]) -> Iterator[Diagnosis]:
        for event in events:
            if isinstance(event, Request):
                assert dialect_of(event.head) is self._dialect
                yield from check_request(event.head, self._dialect, listener=self._listener)
            elif isinstance(event, Response):
                assert self._client.head is not None
                yield from check_response(
                    self._client.head, event.head, self._dialect, secure=self._secure
                )
            elif isinstance(event, Key3Bytes):
                self._key3 += event.raw
            elif isinstance(event, DigestBytes):
                self._digest += event.raw
                if event.digest is not None:
                    yield from self._verify(event.digest)
            elif not isinstance(event, HeadRefused | MessageEvent):
                yield from self._frames[peer].look(event)
                if isinstance(event, ClosingHandshake):
                    self._frames["server" if peer == "client" else "client"].other_closed()

    def _verify(self, digest: bytes) -> list[Diagnosis]:
        head, response = self._client.head, self._server.head
        assert head is not None
        assert response is not None
        challenge = hixie76.challenge_of(head, self._key3)
        return check_digest(
            challenge,
            digest,
            base=len(response.raw),
            head=head.raw,
            behind=self._client.trailing_data,
            followed=self._server.trailing_data,
        )
