"""Faults of our own: they end one session, are told, and leave the others alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ws76proxy.demo import EchoServer
from ws76proxy.record import MessageRecord, Messages, NoticeRecord
from ws76proxy.session import Command, Session
from ws76proxy.session.conversation import Conversation

from .harness import relaying


class BrokenError(Exception):
    """What a fault of ours would raise."""


def broken(*_: object) -> Iterator[Command]:
    """Commands that cannot be had."""
    return map(fail, [0])


def fail(_: object) -> Command:
    raise BrokenError("the test broke it")


async def test_a_fault_in_a_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        EchoServer() as server,
        relaying(server.port) as relay,
        relay.client() as first,
        relay.client() as second,
    ):
        await first.open()
        await second.open()
        conversation = relay.pumps[1].session.conversation
        look = Conversation.look

        def selectively(self: Conversation, *arguments: object) -> object:
            if self is conversation:
                fail(self)
            return look(self, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(Conversation, "look", selectively)
        await first.send(b"\x00boom\xff")
        await first.until_dropped()
        notice = await relay.recorder.until(NoticeRecord)
        assert (notice.level, notice.session) == ("error", 1)
        assert "BrokenError: the test broke it" in notice.text
        await second.echo(b"still here")
        assert [message.session for message in relay.recorder.all(MessageRecord)] == [2, 2]
        await relay.until_pumps(1)


@pytest.mark.parametrize("method", ["start", "receive_data", "connected"])
async def test_a_fault_before_the_conversation(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    async with EchoServer() as server, relaying(server.port) as relay:
        with monkeypatch.context() as patched:
            patched.setattr(Session, method, broken)
            async with relay.client() as client:
                await client.send(b"GET / HTTP/1.1\r\n\r\n")
                await client.until_dropped()
                notice = await relay.recorder.until(NoticeRecord)
                assert (notice.level, notice.session) == ("error", 1)
            await relay.until_pumps(0)
        async with relay.client() as client:
            await client.open()
            await client.echo(b"still here")


async def test_a_fault_of_a_listener() -> None:
    async with (
        EchoServer() as server,
        relaying(server.port) as relay,
        relay.client() as first,
        relay.client() as second,
    ):
        await first.open()
        await second.open()
        relay.recorder.breaks_on = Messages
        await first.send(b"\x00boom\xff")
        await first.until_dropped()
        notice = await relay.recorder.until(NoticeRecord)
        assert (notice.level, notice.session) == ("error", 1)
        relay.recorder.breaks_on = None
        await second.echo(b"still here")
        await relay.until_pumps(1)


async def test_a_fault_while_shutting_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "shut_down", broken)
    async with EchoServer() as server, relaying(server.port) as relay, relay.client() as client:
        await client.open()
        await relay.stop()
        await client.until_dropped()
        assert relay.recorder.all(NoticeRecord)
        assert not relay.pumps
