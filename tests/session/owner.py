"""Carries out a session's commands as a relay does, and holds the session to its promises."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Any, cast

import msgspec

from ws76proxy.record import AnyRecord, Messages, SessionEndRecord
from ws76proxy.session import (
    Await,
    Close,
    Command,
    Connect,
    PauseReading,
    Peer,
    Reconnect,
    Reset,
    ResumeReading,
    Send,
    SendEof,
    Session,
    Tell,
)
from ws76proxy.session.bridging.conversation import BridgedConversation
from ws76proxy.session.commands import NOBODY_WAITS

__all__ = ["Owner", "in_words"]

_DECODER: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


class Owner:
    """Both connections of a session, as far as the session can see them.

    Whatever a session does must be possible at that moment: nothing is sent to a connection that is
    not open, whose end has been announced, or that was reset or lost; reading is paused and resumed
    in pairs, nothing is awaited twice under one ticket, and nothing comes after the summary. Each
    promise is checked with each command. A connection that was reset is lost as soon as the
    commands are done. With `looks_afterwards` it takes the short way through a conversation.
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
        self.awaits: dict[int, Coroutine[Any, Any, None]] = {}
        self.unwaited: list[Coroutine[Any, Any, None]] = []
        self.over = False
        self._resetting: list[Peer] = []
        self._tickets: set[int] = set()

    def run(self, commands: Iterable[Command]) -> None:
        """Carry out commands, each before the next is taken."""
        for command in commands:
            assert not self.over, f"{command} comes after the end"
            self._carry_out(command)
        while self._resetting:
            self.lost(self._resetting.pop(0), None)

    def lost(self, peer: Peer, reason: str | None) -> None:
        """The connection to a peer is gone."""
        self.open.discard(peer)
        self.run(self.session.connection_lost(peer, reason))

    def goes_on(self) -> None:
        """Everything that is awaited runs on, as far as it can without waiting."""
        has_ended = True
        while has_ended:
            has_ended = False
            self.unwaited = [one for one in self.unwaited if not _is_done(one)]
            for ticket, coroutine in tuple(self.awaits.items()):
                # What went on may have been the end, or what goes on next.
                if ticket in self.awaits and _is_done(coroutine):
                    has_ended = True
                    del self.awaits[ticket]
                    self.run(self.session.awaited(ticket))

    def fails(self, error: BaseException) -> None:
        """The first thing that is awaited is given up."""
        ticket, coroutine = next(iter(self.awaits.items()))
        del self.awaits[ticket]
        coroutine.close()
        self.run(self.session.awaited(ticket, error))

    def receive(self, peer: Peer, data: bytes) -> None:
        """Bytes have come from a peer."""
        conversation, bridge = self.session.conversation, self.session.bridge
        if self._looks_afterwards and bridge is not None:
            self._cross(bridge, peer, data)
        elif self._looks_afterwards and conversation is not None:
            self._carry_out(Send(peer.other, data))
            told = conversation.look(peer, data)
            self.run([Tell(told)] if isinstance(told, Messages) else told)
        else:
            self.run(self.session.receive_data(peer, data))

    def _cross(self, bridge: BridgedConversation, peer: Peer, data: bytes) -> None:
        """The short ways through a bridge, the shortest first."""
        said, told = bridge.short(peer, data), None
        if said is None:
            crossed = bridge.cross(peer, data)
            if not isinstance(crossed, tuple):
                self.run(crossed)
                return
            said, told = crossed
        self._carry_out(Send(peer.other, said))
        self.run([Tell(told)] if told is not None else [])

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
            case Reset(peer):
                assert peer in self.open, f"the {peer.label} has no connection to reset"
                self.open.remove(peer)
                self.finished.add(peer)
                self._resetting.append(peer)
            case Await(awaitable, ticket):
                coroutine = cast("Coroutine[Any, Any, None]", awaitable)
                if ticket == NOBODY_WAITS:
                    self.unwaited.append(coroutine)
                else:
                    assert ticket not in self._tickets, f"the ticket {ticket} was used before"
                    self._tickets.add(ticket)
                    self.awaits[ticket] = coroutine
            case Connect():
                assert not self.connecting
                assert Peer.SERVER not in self.open
                self.connecting = True
            case Reconnect():
                assert not self.connecting
                self.open.discard(Peer.SERVER)
                self.finished.discard(Peer.SERVER)
                self.paused.discard(Peer.SERVER)
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
                for coroutine in self.awaits.values():
                    coroutine.close()
                self.awaits.clear()


def in_words(command: Command) -> str:
    """A command that is neither bytes nor a record, as a line of a transcript."""
    match command:
        case Connect():
            return "connect"
        case Reconnect():
            return "connect anew"
        case SendEof(peer):
            return f"end to {peer.label}"
        case Close(peer):
            return f"close {peer.label}"
        case PauseReading(peer):
            return f"pause {peer.label}"
        case ResumeReading(peer):
            return f"resume {peer.label}"
        case Reset(peer):
            return f"reset {peer.label}"
        case Await(_, ticket):
            return "await" if ticket != NOBODY_WAITS else "await, and go on"
    raise TypeError(command)


def _is_done(coroutine: Coroutine[Any, Any, None]) -> bool:
    """Run a coroutine to where it waits again; whether it came to its end."""
    try:
        coroutine.send(None)
    except StopIteration:
        return True
    return False
