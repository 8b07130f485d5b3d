"""Carries out a session's commands as a relay does, and holds the session to its promises."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ws76proxy.record import AnyRecord, Messages, SessionEndRecord
from ws76proxy.session import (
    Close,
    Command,
    Connect,
    PauseReading,
    Peer,
    ResumeReading,
    Send,
    SendEof,
    Session,
    Tell,
)

__all__ = ["Owner", "in_words"]

_DECODER: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


class Owner:
    """Both connections of a session, as far as the session can see them.

    Whatever a session does must be possible at that moment: nothing is sent to a connection that is
    not open or whose end has been announced, reading is paused and resumed in pairs, and nothing
    comes after the summary. Each promise is checked with each command. With `looks_afterwards` it
    takes the short way through a conversation.
    """

    def __init__(self, session: Session, *, looks_afterwards: bool = False) -> None:
        self.session = session
        self._looks_afterwards = looks_afterwards
        self.sent: dict[Peer, list[bytes]] = {peer: [] for peer in Peer}
        self.deeds: list[str] = []
        self.records: list[AnyRecord] = []
        self.connecting = False
        self.open = {Peer.CLIENT}
        self.finished: set[Peer] = set()
        self.paused: set[Peer] = set()
        self.over = False

    def run(self, commands: Iterable[Command]) -> None:
        """Carry out commands, each before the next is taken."""
        for command in commands:
            assert not self.over, f"{command} comes after the end"
            self._carry_out(command)

    def receive(self, peer: Peer, data: bytes) -> None:
        """Bytes have come from a peer."""
        conversation = self.session.conversation
        if self._looks_afterwards and conversation is not None:
            self._carry_out(Send(peer.other, data))
            told = conversation.look(peer, data)
            self.run([Tell(told)] if isinstance(told, Messages) else told)
        else:
            self.run(self.session.receive_data(peer, data))

    def connect(self) -> None:
        """The connection that was asked for is open."""
        assert self.connecting
        self.connecting = False
        self.open.add(Peer.SERVER)
        self.run(self.session.connected())

    def _carry_out(self, command: Command) -> None:
        match command:
            case Send(peer, data):
                assert data, f"an empty write to the {peer.label}"
                assert peer in self.open - self.finished, f"the {peer.label} cannot get {data!r}"
                self.sent[peer].append(data)
            case SendEof(peer):
                assert peer in self.open - self.finished, f"the {peer.label} cannot be told an end"
                self.finished.add(peer)
            case Close(peer):
                self.finished.add(peer)
            case Connect():
                assert not self.connecting
                assert Peer.SERVER not in self.open
                self.connecting = True
            case PauseReading(peer):
                assert peer not in self.paused, f"the {peer.label} is paused already"
                self.paused.add(peer)
            case ResumeReading(peer):
                assert peer in self.paused, f"the {peer.label} is not paused"
                self.paused.remove(peer)
            case Tell(record):
                self._hear(record)
        if not isinstance(command, Send | Tell):
            self.deeds.append(in_words(command))

    def _hear(self, told: AnyRecord | Messages) -> None:
        records = list(told.records()) if isinstance(told, Messages) else [told]
        for record in records:
            assert _DECODER.decode(msgspec.json.encode(record)) == record
            latest = self.records[-1].time if self.records else 0.0
            assert record.time >= latest, "time runs backwards"
            self.records.append(record)
            if isinstance(record, SessionEndRecord):
                self.over = True


def in_words(command: Command) -> str:
    """A command that is neither bytes nor a record, as a line of a transcript."""
    match command:
        case Connect():
            return "connect"
        case SendEof(peer):
            return f"end to {peer.label}"
        case Close(peer):
            return f"close {peer.label}"
        case PauseReading(peer):
            return f"pause {peer.label}"
        case ResumeReading(peer):
            return f"resume {peer.label}"
    raise TypeError(command)
